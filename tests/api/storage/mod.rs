//! Scenarios about storage.

mod constraints;
mod outage;
mod writers;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [constraints::scenarios(), outage::scenarios(), writers::scenarios()].into_iter().flatten().collect()
}

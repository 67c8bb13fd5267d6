//! Scenarios about plans.

mod manage;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [manage::scenarios()].into_iter().flatten().collect()
}

//! Scenarios about event amounts.

mod total;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [total::scenarios()].into_iter().flatten().collect()
}

//! Scenarios about payments.

mod confirm;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [confirm::scenarios()].into_iter().flatten().collect()
}

//! Scenarios about temp orders.

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    Vec::new()
}

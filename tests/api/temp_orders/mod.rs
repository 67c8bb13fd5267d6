//! Scenarios about temp orders.

mod quote;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [quote::scenarios()].into_iter().flatten().collect()
}

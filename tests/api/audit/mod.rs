//! Scenarios about the audit log.

mod log;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [log::scenarios()].into_iter().flatten().collect()
}

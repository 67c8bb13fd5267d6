//! Scenarios about who is let in.

mod keys;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [keys::scenarios()].into_iter().flatten().collect()
}

//! Scenarios about who is let in.

mod jwks;
mod keys;
mod publisher;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [jwks::scenarios(), keys::scenarios()].into_iter().flatten().collect()
}

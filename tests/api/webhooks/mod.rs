//! Scenarios about Toss's webhooks.

mod accounts;
mod console;
mod forged;
mod taken;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [accounts::scenarios(), console::scenarios(), forged::scenarios(), taken::scenarios()]
        .into_iter()
        .flatten()
        .collect()
}

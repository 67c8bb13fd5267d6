//! Scenarios about subscriptions.

mod caching;
mod clock;
mod extension;
mod refunds;
mod switching;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [
        caching::scenarios(),
        clock::scenarios(),
        extension::scenarios(),
        refunds::scenarios(),
        switching::scenarios(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

//! Scenarios about subscriptions.

mod caching;
mod clock;
mod extension;
mod moving;
mod refunds;
mod switching;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [
        caching::scenarios(),
        clock::scenarios(),
        extension::scenarios(),
        moving::scenarios(),
        refunds::scenarios(),
        switching::scenarios(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

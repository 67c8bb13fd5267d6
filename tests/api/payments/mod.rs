//! Scenarios about payments.

mod accounts;
pub(crate) mod compensated;
mod confirm;
mod connections;
mod declined;
mod displaced;
mod fail;
mod list;
mod methods;
mod races;
mod reread;
mod unknown;
mod unsent;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [
        accounts::scenarios(),
        compensated::scenarios(),
        confirm::scenarios(),
        connections::scenarios(),
        declined::scenarios(),
        displaced::scenarios(),
        fail::scenarios(),
        list::scenarios(),
        methods::scenarios(),
        races::scenarios(),
        reread::scenarios(),
        unknown::scenarios(),
        unsent::scenarios(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

//! Scenarios about process.

mod api_keys;
mod commands;
mod logs;
mod start;
mod stop;
mod terminal;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [
        api_keys::scenarios(),
        commands::scenarios(),
        logs::scenarios(),
        start::scenarios(),
        stop::scenarios(),
        terminal::scenarios(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

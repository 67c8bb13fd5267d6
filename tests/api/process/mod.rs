//! Scenarios about process.

mod api_keys;
mod commands;
mod logs;
mod start;
mod stop;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [api_keys::scenarios(), commands::scenarios(), logs::scenarios(), start::scenarios(), stop::scenarios()]
        .into_iter()
        .flatten()
        .collect()
}

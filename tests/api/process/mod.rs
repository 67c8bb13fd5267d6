//! Scenarios about process.

mod commands;
mod logs;
mod start;
mod stop;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [commands::scenarios(), logs::scenarios(), start::scenarios(), stop::scenarios()]
        .into_iter()
        .flatten()
        .collect()
}

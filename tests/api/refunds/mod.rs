//! Scenarios about refunds.

mod full;
mod partial;
mod races;
mod under_way;
mod unknown;
mod window;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [
        full::scenarios(),
        partial::scenarios(),
        races::scenarios(),
        under_way::scenarios(),
        unknown::scenarios(),
        window::scenarios(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

//! Scenarios about contract.

mod bodies;
mod errors;
mod guides;
mod lists;
mod money;
mod openapi;
mod paths;
mod queries;
mod roles;
pub(crate) mod rows;
mod tidy;
mod transport;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [
        bodies::scenarios(),
        errors::scenarios(),
        guides::scenarios(),
        lists::scenarios(),
        money::scenarios(),
        openapi::scenarios(),
        paths::scenarios(),
        queries::scenarios(),
        roles::scenarios(),
        tidy::scenarios(),
        transport::scenarios(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

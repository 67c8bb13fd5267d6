//! Scenarios about storage.

mod constraints;
mod outage;
mod pages;
mod plans;
mod retries;
mod scans;
mod silence;
mod statements;
mod writers;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [
        constraints::scenarios(),
        outage::scenarios(),
        pages::scenarios(),
        plans::scenarios(),
        retries::scenarios(),
        scans::scenarios(),
        silence::scenarios(),
        statements::scenarios(),
        writers::scenarios(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

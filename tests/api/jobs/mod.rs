//! Scenarios about jobs.

mod expire;
mod forgotten;
mod handover;
mod runs;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [expire::scenarios(), forgotten::scenarios(), handover::scenarios(), runs::scenarios()]
        .into_iter()
        .flatten()
        .collect()
}

//! Scenarios about what operators see and do.

mod attention;
mod metrics;
mod overload;
mod settle;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [attention::scenarios(), metrics::scenarios(), overload::scenarios(), settle::scenarios()]
        .into_iter()
        .flatten()
        .collect()
}

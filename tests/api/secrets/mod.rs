//! Scenarios about secrets: how they are replaced, and that none is ever told.

mod rotated;
mod watched;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [rotated::scenarios(), watched::scenarios()].into_iter().flatten().collect()
}

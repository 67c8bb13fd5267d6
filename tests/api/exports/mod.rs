//! Scenarios about CSV exports.

mod files;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [files::scenarios()].into_iter().flatten().collect()
}

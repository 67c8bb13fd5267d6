//! The product under crashes: killed at every named point of the money path, under every fault of Toss's, and at random.

mod cells;
mod matrix;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    matrix::scenarios()
}

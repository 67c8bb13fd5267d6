//! The product under crashes: killed at every named point of the money path, under every fault of Toss's, and at random.

mod cells;
mod matrix;
mod shop;
mod storm;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [matrix::scenarios(), storm::scenarios()].into_iter().flatten().collect()
}

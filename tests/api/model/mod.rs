//! Random histories against a small pure model of the books, and those that once broke something.
//!
//! `GUDOK_TEST_MODEL_CASES` says how many histories are played on each database, `GUDOK_TEST_MODEL_SEED` where the
//! chance begins; without them a few are played, the same ones every time.

mod agree;
mod books;
mod draw;
mod expected;
mod line;
mod look;
mod play;
mod random;
mod regressions;
mod replies;
mod step;
mod tally;
mod toss;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [random::scenarios(), regressions::scenarios()].into_iter().flatten().collect()
}

//! Plays histories that chance draws. A history that breaks something is shortened as far as it still does, and printed
//! so that it can be kept among the regressions.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::draw::histories;
use super::play::Stage;
use super::step::History;
use crate::support::say;
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![random_histories_end_in_books_that_agree];

/// How many histories are played on each database.
const CASES: &str = "GUDOK_TEST_MODEL_CASES";
/// Where the chance begins.
const SEED: &str = "GUDOK_TEST_MODEL_SEED";
/// Histories of the short form.
const FEW: u32 = 10;
/// Histories that one world sees before the next takes its place: Toss remembers so many calls and no more.
const PER_WORLD: usize = 40;
/// Histories tried while one that breaks something is made shorter.
const MOST_SHORTER: u32 = 400;

async fn random_histories_end_in_books_that_agree(world: &World) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    let cases = number(CASES).unwrap_or(FEW);
    // Each database walks ways of its own.
    let seed = number(SEED).unwrap_or(0) * 2 + u32::from(world.backend == Backend::Postgres);
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: MOST_SHORTER, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let theatre = Theatre::new(world.backend);
    let began = Instant::now();
    let ended = tokio::task::block_in_place(|| {
        runner.run(&histories(), |history| theatre.play(&history).map_err(TestCaseError::fail))
    });
    theatre.close().await;
    let (played, steps) = *theatre.counts.borrow();
    say(&format!("{}: {played} histories of {steps} steps in {:?}", world.backend.name(), began.elapsed()));
    if cases != FEW {
        for (what, times) in theatre.tally.borrow().iter() {
            say(&format!("{times:6}  {what}"));
        }
    }
    match ended {
        Ok(()) => {}
        Err(TestError::Fail(why, history)) => panic!("{why}\nKeep it as a regression:\n{history:?}"),
        Err(TestError::Abort(why)) => panic!("no histories could be drawn: {why}"),
    }
}

/// Where histories are played: in one world until something breaks, from then on each in a fresh one.
struct Theatre {
    backend: Backend,
    stage: RefCell<Option<Stage>>,
    broken: RefCell<bool>,
    /// Histories and steps played.
    counts: RefCell<(usize, usize)>,
    /// What they came by.
    tally: RefCell<BTreeMap<String, usize>>,
}

impl Theatre {
    fn new(backend: Backend) -> Self {
        let (stage, broken, counts, tally) = Default::default();
        Self { backend, stage, broken, counts, tally }
    }

    fn play(&self, history: &History) -> Result<(), String> {
        let stage = self.stage.take();
        let played = tokio::runtime::Handle::current().block_on(async {
            let worn = |stage: &Stage| *self.broken.borrow() || stage.played >= PER_WORLD;
            let stage = match stage {
                Some(stage) if !worn(&stage) => Some(stage),
                Some(stage) => {
                    stage.close().await;
                    None
                }
                None => None,
            };
            let mut stage = match stage {
                Some(stage) => stage,
                None => Stage::new(World::new(self.backend).await).await,
            };
            let played = AssertUnwindSafe(stage.play(history)).catch_unwind().await;
            played.unwrap_or_else(|panic| Err(words(&*panic))).map(|()| stage)
        });
        let mut counts = self.counts.borrow_mut();
        *counts = (counts.0 + 1, counts.1 + history.steps.len());
        match played {
            Ok(mut stage) => {
                for (what, times) in std::mem::take(&mut stage.tally) {
                    *self.tally.borrow_mut().entry(what).or_default() += times;
                }
                self.stage.replace(Some(stage));
                Ok(())
            }
            Err(breach) => {
                // What has broken something leaves a world that is good for nothing.
                if !self.broken.replace(true) {
                    say(&format!(
                        "history {} breaks something: {breach}\nlooking for a shorter one",
                        counts.0
                    ));
                }
                Err(breach)
            }
        }
    }

    async fn close(&self) {
        if let Some(stage) = self.stage.take() {
            stage.close().await;
        }
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

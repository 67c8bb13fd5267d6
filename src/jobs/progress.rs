//! How far a run has come, for its row, the command line and whoever takes it over.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Shared between a run and those who watch it; cheap to clone.
#[derive(Clone, Debug)]
pub struct Progress(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    done: AtomicU64,
    total: AtomicU64,
    /// Since when it is being written into the run's row.
    writing: Mutex<Option<Instant>>,
}

/// For how long a write is taken for what keeps the database busy. One that takes longer waits for others, and they are
/// who the work gives way to.
const BRIEF: Duration = Duration::from_millis(500);

/// Says of a total that nobody knows it.
const UNKNOWN: u64 = u64::MAX;

impl Default for Progress {
    fn default() -> Self {
        Self::from_row(0, None)
    }
}

impl Progress {
    /// Where the row of a run that is taken over says that the runner before had come.
    pub(super) fn from_row(affected: i64, total: Option<i64>) -> Self {
        let total = total.and_then(|total| u64::try_from(total).ok()).unwrap_or(UNKNOWN);
        let done = u64::try_from(affected).unwrap_or_default();
        Self(Arc::new(Counters {
            done: AtomicU64::new(done),
            total: AtomicU64::new(total),
            writing: Mutex::new(None),
        }))
    }

    /// So many rows more have been changed.
    pub(crate) fn add(&self, rows: u64) {
        self.0.done.fetch_add(rows, Ordering::Relaxed);
    }

    /// So many rows are still to be changed.
    pub(crate) fn expect(&self, rows: u64) {
        self.0.total.store(self.done().saturating_add(rows), Ordering::Relaxed);
    }

    /// Does `write`, which puts this into the run's row beside the work.
    pub(super) async fn while_written<T>(&self, write: impl Future<Output = T>) -> T {
        *self.writing() = Some(Instant::now());
        let written = write.await;
        *self.writing() = None;
        written
    }

    /// Whether the run itself is at work in the database beside its work: that is nobody to give way to.
    pub(crate) fn is_being_written(&self) -> bool {
        self.writing().is_some_and(|since| since.elapsed() < BRIEF)
    }

    fn writing(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rows changed so far, by all runners of the run.
    pub fn done(&self) -> u64 {
        self.0.done.load(Ordering::Relaxed)
    }

    /// Rows that there were to change; none where that is not known beforehand.
    pub fn total(&self) -> Option<u64> {
        let total = self.0.total.load(Ordering::Relaxed);
        (total != UNKNOWN).then_some(total)
    }
}

/// How the work of a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worked {
    /// All is done.
    Whole,
    /// The process is to stop, and something is left.
    InPart,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_progress_tells_whether_it_is_being_written() {
        let progress = Progress::default();
        assert!(!progress.is_being_written());
        let seen = progress.while_written(async { progress.is_being_written() }).await;
        assert!(seen && !progress.is_being_written());
        *progress.writing() = Some(Instant::now() - BRIEF);
        assert!(!progress.is_being_written(), "it waits for others");
    }
}

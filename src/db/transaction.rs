//! Transactions: those that write, which are run again where another was preferred or their connection died, and those that
//! only read.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use tokio::sync::SemaphorePermit;

use super::bounded::Tx;
use super::error;

/// How often a transaction that lost to another is tried again.
const MOST_TRIES: u32 = 6;

/// One who waits, for as long as it is there: a caller may give up at any time.
#[derive(Debug)]
pub(super) struct Waits<'a>(&'a Gauge);

impl<'a> Waits<'a> {
    pub(super) fn counted(waiting: &'a Gauge) -> Self {
        waiting.inc();
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A writing transaction, and the turn of who writes.
#[derive(Debug)]
pub struct Transaction<'a> {
    inner: Tx,
    retries: &'a Counter,
    _turn: SemaphorePermit<'a>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(inner: Tx, retries: &'a Counter, turn: SemaphorePermit<'a>) -> Self {
        Self { inner, retries, _turn: turn }
    }

    /// What statements run on.
    pub fn connection(&self) -> &Tx {
        &self.inner
    }

    /// Keeps the work when it succeeded and undoes it when it failed. Returns the outcome, or none when the database
    /// gave the transaction up, or its connection died before the work was done, and it should run again; `tries` counts
    /// how often.
    pub async fn end<T, E>(self, outcome: Result<T, E>, tries: &mut u32) -> Option<Result<T, E>>
    where
        E: From<DbErr> + std::error::Error + 'static,
    {
        let (inner, bound) = self.inner.into_parts();
        let (outcome, dead) = match outcome {
            // When the connection dies now, nobody knows whether it was kept: running it again could do it twice.
            Ok(value) => {
                let kept = bound.wait_for_commit(inner.commit()).await;
                (kept.map(|()| value).map_err(E::from), false)
            }
            Err(error) => {
                let dead = error::lost_its_connection(&error);
                // A connection too broken to roll back is thrown away, which undoes everything as well.
                if !dead && let Err(broken) = bound.wait(inner.rollback()).await {
                    tracing::debug!(error = %broken, "rollback failed");
                }
                (Err(error), dead)
            }
        };
        match &outcome {
            Err(error) if dead || error::lost_to_another(error) => {
                spare_patience(error, tries);
                if may_run_again(self.retries, tries).await { None } else { Some(outcome) }
            }
            _ => Some(outcome),
        }
    }
}

/// What was not answered has taken long enough to be tried only once more.
pub(super) fn spare_patience(error: &(dyn std::error::Error + 'static), tries: &mut u32) {
    if error::went_unanswered(error) {
        *tries = (*tries).max(MOST_TRIES - 2);
    }
}

/// Counts one more try and waits a little before it; false when there have been enough.
pub(super) async fn may_run_again(retries: &Counter, tries: &mut u32) -> bool {
    *tries += 1;
    if *tries >= MOST_TRIES {
        return false;
    }
    retries.inc();
    tracing::debug!(tries, "a transaction did not come to its end; once more");
    let wait: u64 = 5 << *tries;
    // Not all that lost to each other at once come back at once.
    tokio::time::sleep(Duration::from_millis(rand::random_range(wait / 2..=wait * 3 / 2))).await;
    true
}

/// A transaction that only reads. It ends when it is dropped.
#[derive(Debug)]
pub struct Snapshot {
    inner: Tx,
}

impl Snapshot {
    pub(super) fn new(inner: Tx) -> Self {
        Self { inner }
    }

    /// What statements run on.
    pub fn connection(&self) -> &Tx {
        &self.inner
    }

    /// The same for what nobody waits for: PostgreSQL, which would take several cores for a large table, takes one.
    ///
    /// # Errors
    /// The database's own.
    pub async fn aside(self) -> Result<Self, DbErr> {
        if self.inner.get_database_backend() == DbBackend::Postgres {
            self.inner.execute_unprepared("SET LOCAL max_parallel_workers_per_gather = 0").await?;
        }
        Ok(self)
    }
}

/// Runs a block in one writing transaction: `transact!(app.db, |tx| { … Ok(value) })`. It is kept when the block gives
/// `Ok` and undone when it gives `Err`. A transaction that the database gave up in favour of another, or whose connection
/// died before its end, is run again, so the block must have no effect outside of it. (A macro, because futures of async closures cannot be shown to be
/// `Send` where they are spawned.)
macro_rules! transact {
    ($db:expr, |$tx:ident| $work:block) => {{
        let mut tries = 0;
        loop {
            let opened = match $db.begin().await {
                Ok(opened) => opened,
                Err(error) => match $db.begin_again(error, &mut tries).await {
                    None => continue,
                    Some(error) => break Err(error.into()),
                },
            };
            let outcome = {
                let $tx = opened.connection();
                async { $work }.await
            };
            if let Some(outcome) = opened.end(outcome, &mut tries).await {
                break outcome;
            }
        }
    }};
}
pub(crate) use transact;

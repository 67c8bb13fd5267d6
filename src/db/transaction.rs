//! Transactions: those that write, which are run again where another was preferred or their connection died, and those that
//! only read.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use tokio::sync::SemaphorePermit;

use super::bounded::Tx;
use super::error;
use super::patience::Patience;

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
    turn: SemaphorePermit<'a>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(inner: Tx, retries: &'a Counter, turn: SemaphorePermit<'a>) -> Self {
        Self { inner, retries, turn }
    }

    /// What statements run on.
    pub fn connection(&self) -> &Tx {
        &self.inner
    }

    /// Keeps the work when it succeeded and undoes it when it failed. Returns the outcome, or none when the database
    /// gave the transaction up, or its connection died before the work was done, and it should run again, for which there
    /// is some `patience`.
    pub async fn end<T, E>(self, outcome: Result<T, E>, patience: &mut Patience) -> Option<Result<T, E>>
    where
        E: From<DbErr> + std::error::Error + 'static,
    {
        let Self { inner, retries, turn } = self;
        let (inner, bound) = inner.into_parts();
        let (outcome, dead) = match outcome {
            // When the connection dies now, nobody knows whether it was kept: running it again could do it twice.
            Ok(value) => {
                let kept = bound.wait_for_commit(inner.commit()).await;
                (kept.map(|()| value).map_err(E::from), false)
            }
            Err(error) => {
                let dead = error::lost_its_connection(&error);
                if dead {
                    drop(inner);
                } else if let Err(broken) = bound.wait(inner.rollback()).await {
                    // A connection too broken to roll back is thrown away, which undoes everything as well.
                    tracing::debug!(error = %broken, "rollback failed");
                }
                (Err(error), dead)
            }
        };
        // Others write while this one waits.
        drop(turn);
        let wait = match &outcome {
            Err(error) if dead => patience.after_death(error, retries),
            Err(error) if error::lost_to_another(error) => patience.after_loss(retries),
            _ => None,
        };
        let Some(wait) = wait else { return Some(outcome) };
        tokio::time::sleep(wait).await;
        None
    }
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
        let mut patience = $crate::db::Patience::default();
        loop {
            let opened = match $db.begin().await {
                Ok(opened) => opened,
                Err(error) => match $db.begin_again(error, &mut patience).await {
                    None => continue,
                    Some(error) => break Err(error.into()),
                },
            };
            let outcome = {
                let $tx = opened.connection();
                async { $work }.await
            };
            if let Some(outcome) = opened.end(outcome, &mut patience).await {
                break outcome;
            }
        }
    }};
}
pub(crate) use transact;

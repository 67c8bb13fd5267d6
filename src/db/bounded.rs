//! Bounds how long an answer of PostgreSQL is waited for. A server ends every statement in time by itself, so one that does
//! not has gone without a word: its machine lost power, or the network was cut. TCP alone would notice that after a quarter
//! of an hour, or never, and until then the statement would hold its connection and whoever waits for it.

use std::pin::pin;
use std::time::{Duration, Instant};

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use super::error::{lost_its_connection, was_given_up, went_unanswered};
use super::silence::{Silence, unanswered};

/// How long a commit is waited for while nothing else is silent: no `statement_timeout` ends one that waits for a synchronous
/// standby, and the session of one that is given up stays at the server for as long.
const COMMIT_WITHIN: Duration = Duration::from_mins(10);
/// How often is looked whether something else has fallen silent.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// How often a statement that only reads is asked again because its connection had died, or it was given up in favour of a
/// transaction. A server that is stopped ends all connections, and the pool looks only at those that were idle for a while.
const MOST_REREADS: u32 = 20;

/// What statements run on, inside of a transaction.
pub type Tx = Bounded<DatabaseTransaction>;

/// What statements run on, and how long each of them is waited for.
#[derive(Clone, Debug)]
pub struct Bounded<C> {
    inner: C,
    bound: Bound,
    /// Whether a statement that asks may be asked again: it stands alone, and only reads.
    rereads: bool,
}

/// How long is waited, and who is told when it was too long.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    /// None where there is no server that could go: SQLite is a file.
    within: Option<Duration>,
    silence: Silence,
}

impl<C> Bounded<C> {
    pub(super) fn new(inner: C, bound: Bound) -> Self {
        Self { inner, bound, rereads: false }
    }

    /// For single statements that only read: they are asked again where a connection turns out to be dead, or another
    /// transaction was preferred.
    pub(super) fn reading(inner: C, bound: Bound) -> Self {
        Self { inner, bound, rereads: true }
    }

    /// Whether what had this `outcome` should be asked again; `tries` counts how often.
    fn asks_again<T>(&self, outcome: &Result<T, DbErr>, tries: &mut u32) -> bool {
        *tries += 1;
        let again =
            |error: &DbErr| was_given_up(error) || (lost_its_connection(error) && !went_unanswered(error));
        self.rereads && *tries <= MOST_REREADS && outcome.as_ref().is_err_and(again)
    }

    /// The same without a bound: for migrations, which take as long as they take, and for what is bounded as a whole.
    pub(super) fn unbounded(&self) -> &C {
        &self.inner
    }

    pub(super) fn into_parts(self) -> (C, Bound) {
        (self.inner, self.bound)
    }
}

impl Bound {
    pub(super) fn new(within: Option<Duration>, silence: Silence) -> Self {
        Self { within, silence }
    }

    /// The same, with another time where there is a bound at all.
    pub(super) fn lasting(&self, within: Duration) -> Self {
        Self { within: self.within.map(|_| within), silence: self.silence.clone() }
    }

    /// What `work` gives, or the error of a connection that died when that takes too long.
    pub(super) async fn wait<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        let Some(within) = self.within else { return work.await };
        let mut work = pin!(work);
        let mut waiting = self.silence.waiting();
        if let Ok(outcome) = tokio::time::timeout(within, &mut work).await {
            waiting.answered();
            return outcome;
        }
        // Noted while the connection is still held: as soon as it is let go, the pool looks.
        self.silence.fell();
        Err(unanswered())
    }

    /// The same for a commit, which may take long at a server that is well: it is given up early only where another
    /// connection falls silent meanwhile.
    pub(super) async fn wait_for_commit(
        &self,
        work: impl Future<Output = Result<(), DbErr>>,
    ) -> Result<(), DbErr> {
        let Some(within) = self.within else { return work.await };
        let mut work = pin!(work);
        let mut waiting = self.silence.waiting();
        let begun = Instant::now();
        loop {
            if let Ok(outcome) = tokio::time::timeout(LOOKS_EVERY, &mut work).await {
                waiting.answered();
                return outcome;
            }
            let others_fell = self.silence.has_fallen_since(begun);
            if begun.elapsed() >= if others_fell { within } else { COMMIT_WITHIN } {
                return Err(unanswered());
            }
        }
    }
}

#[async_trait]
impl<C: ConnectionTrait> ConnectionTrait for Bounded<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.bound.wait(self.inner.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.bound.wait(self.inner.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        if !self.rereads {
            return self.bound.wait(self.inner.query_one_raw(statement)).await;
        }
        let mut tries = 0;
        loop {
            let outcome = self.bound.wait(self.inner.query_one_raw(statement.clone())).await;
            if !self.asks_again(&outcome, &mut tries) {
                return outcome;
            }
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        if !self.rereads {
            return self.bound.wait(self.inner.query_all_raw(statement)).await;
        }
        let mut tries = 0;
        loop {
            let outcome = self.bound.wait(self.inner.query_all_raw(statement.clone())).await;
            if !self.asks_again(&outcome, &mut tries) {
                return outcome;
            }
        }
    }

    fn support_returning(&self) -> bool {
        self.inner.support_returning()
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::{is_unavailable, lost_its_connection};
    use super::*;

    #[tokio::test]
    async fn what_is_not_answered_in_time_counts_as_a_connection_that_died() {
        let (start, silence) = (Instant::now(), Silence::default());
        let bound = Bound::new(Some(Duration::from_millis(1)), silence.clone());
        assert_eq!(bound.lasting(Duration::from_hours(1)).wait(async { Ok(7) }).await.ok(), Some(7));
        assert!(!silence.has_fallen_since(start) && !silence.is_suspected());
        let outcome = bound.wait(std::future::pending::<Result<(), DbErr>>()).await;
        assert!(outcome.is_err_and(|error| lost_its_connection(&error) && is_unavailable(&error)));
        assert!(silence.has_fallen_since(start));
    }

    #[tokio::test]
    async fn what_its_caller_gives_up_is_no_silence() {
        let (start, silence) = (Instant::now(), Silence::default());
        let bound = Bound::new(Some(Duration::from_hours(1)), silence.clone());
        let given_up =
            tokio::time::timeout(Duration::ZERO, bound.wait(std::future::pending::<Result<(), DbErr>>()));
        assert!(given_up.await.is_err());
        assert!(!silence.has_fallen_since(start) && silence.is_suspected());
    }

    #[tokio::test]
    async fn a_commit_is_given_up_once_others_fall_silent() {
        let silence = Silence::default();
        let bound = Bound::new(Some(Duration::ZERO), silence.clone());
        let commit = bound.wait_for_commit(std::future::pending());
        let (outcome, ()) = tokio::join!(commit, async { silence.fell() });
        assert!(outcome.is_err_and(|error| lost_its_connection(&error)));
    }
}

//! Bounds how long an answer of PostgreSQL is waited for. A server ends every statement in time by itself, so one that does
//! not has gone without a word: its machine lost power, or the network was cut. TCP alone would notice that after a quarter
//! of an hour, or never, and until then the statement would hold its connection and whoever waits for it.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sqlx::pool::{PoolConnectionMetadata, PoolOptions};
use sea_orm::sqlx::{self, Connection as _, PgConnection, Postgres};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, Statement,
};

/// A connection that has not been used for so long is asked whether it is alive before it is.
const IDLE: Duration = Duration::from_secs(1);
/// How long its answer is waited for.
const ALIVE_WITHIN: Duration = Duration::from_secs(2);

/// What statements run on, inside of a transaction.
pub type Tx = Bounded<DatabaseTransaction>;

/// What statements run on, and how long each of them is waited for.
#[derive(Clone, Debug)]
pub struct Bounded<C> {
    inner: C,
    bound: Bound,
}

/// How long is waited, and who is told when it was too long.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    /// None where there is no server that could go: SQLite is a file.
    within: Option<Duration>,
    silence: Silence,
}

/// When a server last fell silent. Connections from before are not used again, those that nothing was asked of included.
#[derive(Clone, Debug, Default)]
pub(super) struct Silence(Arc<Mutex<Option<Instant>>>);

impl<C> Bounded<C> {
    pub(super) fn new(inner: C, bound: Bound) -> Self {
        Self { inner, bound }
    }

    /// The same without a bound, for work that is known to take long.
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
        if let Ok(outcome) = tokio::time::timeout(within, &mut work).await {
            return outcome;
        }
        // Noted while the connection is still held: as soon as it is let go, the pool looks.
        self.silence.fell();
        Err(DbErr::Query(RuntimeErr::SqlxError(Arc::new(silent()))))
    }
}

impl Silence {
    /// Lets the pool throw away what leads to a server that has fallen silent, instead of asking it once more.
    pub(super) fn watched(&self, options: &mut ConnectOptions) {
        let silence = self.clone();
        options.map_sqlx_postgres_before_acquire(move |connection, meta| {
            let silence = silence.clone();
            Box::pin(async move { silence.may_be_used(connection, meta).await })
        });
        let silence = self.clone();
        options.map_sqlx_postgres_pool_opts(move |pool: PoolOptions<Postgres>| {
            let silence = silence.clone();
            pool.test_before_acquire(false).after_release(move |_, meta| {
                // With an error the socket is closed without a word to the other end.
                let outcome = if silence.reaches_back_to(meta) { Err(silent()) } else { Ok(true) };
                Box::pin(std::future::ready(outcome))
            })
        });
    }

    async fn may_be_used(
        &self,
        connection: &mut PgConnection,
        meta: PoolConnectionMetadata,
    ) -> Result<bool, sqlx::Error> {
        let idle = meta.idle_for;
        if self.reaches_back_to(meta) {
            return Ok(false);
        }
        if idle < IDLE {
            return Ok(true);
        }
        match tokio::time::timeout(ALIVE_WITHIN, connection.ping()).await {
            Ok(alive) => alive.map(|()| true),
            Err(_) => {
                self.fell();
                Err(silent())
            }
        }
    }

    /// Notes that a connection has not answered in time.
    fn fell(&self) {
        *self.noted() = Some(Instant::now());
        tracing::warn!("the database has not answered in time; its connections are opened anew");
    }

    /// Whether a connection was opened before the server fell silent.
    fn reaches_back_to(&self, meta: PoolConnectionMetadata) -> bool {
        self.noted().is_some_and(|at| meta.age > at.elapsed())
    }

    fn noted(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn silent() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        "the database has not answered in time",
    ))
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
        self.bound.wait(self.inner.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.bound.wait(self.inner.query_all_raw(statement)).await
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
        let silence = Silence::default();
        let bound = Bound::new(Some(Duration::from_millis(1)), silence.clone());
        assert_eq!(bound.lasting(Duration::from_hours(1)).wait(async { Ok(7) }).await.ok(), Some(7));
        assert!(silence.noted().is_none());
        let outcome = bound.wait(std::future::pending::<Result<(), DbErr>>()).await;
        assert!(outcome.is_err_and(|error| lost_its_connection(&error) && is_unavailable(&error)));
        assert!(silence.noted().is_some());
    }
}

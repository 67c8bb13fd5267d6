//! What is known of connections whose server may have forgotten them, so that the pool gives none of them out again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::sqlx::pool::{PoolConnectionMetadata, PoolOptions};
use sea_orm::sqlx::{self, Connection as _, Executor as _, PgConnection, Postgres, Row as _};
use sea_orm::{ConnectOptions, DbErr, RuntimeErr};

/// A connection that has not been used for so long is asked whether it is alive before it is.
const IDLE: Duration = Duration::from_secs(1);
/// How long its answer is waited for.
const ALIVE_WITHIN: Duration = Duration::from_secs(2);
/// For how long after something was cut off connections are looked at that come back. They come back at once.
const SUSPECTED: Duration = Duration::from_secs(5);
/// Whether a session is in no transaction: what it is asked by itself begins one at that instant.
const OUTSIDE: &str = "SELECT now() = statement_timestamp()";

/// What is known of connections that their server may have forgotten.
#[derive(Clone, Debug, Default)]
pub(super) struct Silence(Arc<Mutex<Known>>);

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// When a server last fell silent. Connections from before are not used again, those that nothing was asked of included.
    fell: Option<Instant>,
    /// When something that was asked was last cut off before its answer, as when a caller hangs up.
    cut: Option<Instant>,
}

/// Notes that what is waited for was cut off, unless its answer came. It must be dropped before that is.
pub(super) struct Waiting<'a> {
    silence: &'a Silence,
    is_answered: bool,
}

impl Waiting<'_> {
    /// Its answer came.
    pub(super) fn answered(&mut self) {
        self.is_answered = true;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.silence.known().cut = Some(Instant::now());
        }
    }
}

impl Silence {
    /// Lets the pool throw away what leads to a server that has fallen silent, instead of asking it once more.
    /// Others that come back in the middle of something are waited for, no longer than `within`.
    pub(super) fn watched(&self, options: &mut ConnectOptions, within: Duration) {
        let silence = self.clone();
        options.map_sqlx_postgres_before_acquire(move |connection, meta| {
            let silence = silence.clone();
            Box::pin(async move { silence.may_be_used(connection, meta).await })
        });
        let silence = self.clone();
        options.map_sqlx_postgres_pool_opts(move |pool: PoolOptions<Postgres>| {
            let silence = silence.clone();
            pool.test_before_acquire(false).after_release(move |connection, meta| {
                let silence = silence.clone();
                Box::pin(async move { silence.may_be_kept(connection, meta, within).await })
            })
        });
    }

    /// Whether a connection that comes back may be given out again. With an error its socket is closed without a word to the
    /// other end.
    async fn may_be_kept(
        &self,
        connection: &mut PgConnection,
        meta: PoolConnectionMetadata,
        within: Duration,
    ) -> Result<bool, sqlx::Error> {
        if self.reaches_back_to(meta) {
            return Err(silent());
        }
        if !self.is_suspected() {
            return Ok(true);
        }
        // It may have been cut off here: the answer can still come, or never. And of a BEGIN that was cut off only the server
        // knows that it is in a transaction.
        match tokio::time::timeout(within, connection.fetch_one(sqlx::raw_sql(OUTSIDE))).await {
            Ok(row) => row?.try_get(0),
            Err(_) => Err(silent()),
        }
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

    /// Begins to wait for an answer.
    pub(super) fn waiting(&self) -> Waiting<'_> {
        Waiting { silence: self, is_answered: false }
    }

    /// Whether a connection that comes back now may be one on which something was cut off.
    pub(super) fn is_suspected(&self) -> bool {
        self.known().cut.is_some_and(|at| at.elapsed() <= SUSPECTED)
    }

    /// Whether a server has fallen silent since `begun`.
    pub(super) fn has_fallen_since(&self, begun: Instant) -> bool {
        self.known().fell.is_some_and(|at| at >= begun)
    }

    /// Notes that a connection has not answered in time.
    pub(super) fn fell(&self) {
        self.known().fell = Some(Instant::now());
        tracing::warn!("the database has not answered in time; its connections are opened anew");
    }

    /// Whether a connection was opened before the server fell silent.
    fn reaches_back_to(&self, meta: PoolConnectionMetadata) -> bool {
        self.known().fell.is_some_and(|at| meta.age > at.elapsed())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of whoever waited.
pub(super) fn unanswered() -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(silent())))
}

fn silent() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        "the database has not answered in time",
    ))
}

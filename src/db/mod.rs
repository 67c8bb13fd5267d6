//! The database: how it is reached, and the one way to write to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

mod batches;
mod bounded;
mod error;
mod joined;
pub mod migrate;
mod patience;
mod pooler;
mod reader;
mod silence;
mod transaction;
mod writes;

pub(crate) use batches::delete_in_batches;
use bounded::Bound;
pub use bounded::{Bounded, Tx};
pub use error::{is_unavailable, is_unreachable, took_too_long, unique_violation, was_given_up};
pub(crate) use joined::{columns, columns_without, joined};
pub use patience::Patience;
pub use reader::{First, Reader, raw};
use silence::Silence;
use transaction::Waits;
pub(crate) use transaction::transact;
pub use transaction::{Snapshot, Transaction};
pub(crate) use writes::{Place, Writes};

/// How long a request waits for a connection before it is told that the database is not there.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one statement may run.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one statement of a snapshot may run.
const SNAPSHOT_STATEMENT_TIMEOUT: Duration = Duration::from_secs(600);
/// How much longer than a statement may run its answer is waited for: it may have to wait for a connection first, and to be
/// prepared.
const GRACE: Duration = Duration::from_secs(15);

/// Sessions of this database that do something, or hold a transaction open while their process does.
const OTHERS_AT_WORK: &str = "
    SELECT 1 AS one FROM pg_stat_activity WHERE datid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid() LIMIT 1";

/// A handle to the books; cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    connection: Bounded<DatabaseConnection>,
    /// How long a statement is waited for.
    bound: Bound,
    /// Whether a pooler gives the transactions of one connection to several servers' processes.
    shares_servers: bool,
    /// SQLite's only connection that writes: its page cache stays right, which another's writes would make it throw away.
    writer: Option<DatabaseConnection>,
    /// How many may write at once. Waiting here is fair, and on SQLite never ends in `database is locked`.
    turns: Arc<Semaphore>,
    /// Transactions that were run again.
    retries: Counter,
    /// Statements that were run, not counting the beginnings and ends of transactions.
    statements: Counter,
    /// Who waits for a turn to write.
    waiting: Gauge,
}

/// How many of `most` connections may write at once. Some are left to those who read: a commit may wait for a standby that is
/// gone, and whoever has paid is told so meanwhile.
fn writers(most: u32) -> u32 {
    if most < 2 { most } else { most - (most / 8).max(1) }
}

impl Database {
    /// Connects, and makes SQLite's file and folder on first use.
    ///
    /// # Errors
    /// When the database cannot be reached, its URL makes no sense, or a pooler is in the way that must not be used.
    pub async fn connect(url: &SecretString, max_connections: Option<u32>) -> Result<Self, DbErr> {
        let url = url.expose_secret();
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let by_cores = u32::try_from(cores * 4).unwrap_or(16);
        let is_sqlite = url.starts_with("sqlite:");
        let (least, enough) = if is_sqlite { (4, 8) } else { (8, 16) };
        let most = max_connections.unwrap_or(by_cores.clamp(least, enough));
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(most)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_timeout(ACQUIRE_TIMEOUT)
            .sqlx_logging(false)
            .record_stmt_in_spans(false);
        let (silence, mut within) = (Silence::default(), None);
        if is_sqlite {
            prepare_folder(url)?;
            options.test_before_acquire_if_idle_for(Duration::from_secs(1));
            options.map_sqlx_sqlite_opts(|sqlite| {
                sqlite
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(ACQUIRE_TIMEOUT)
                    .foreign_keys(true)
            });
        } else {
            options.statement_timeout(STATEMENT_TIMEOUT).set_application_name("gudok");
            // No fractions are read, and a pooler would have to be told to let it pass.
            options.map_sqlx_postgres_opts(|postgres| postgres.extra_float_digits(None));
            silence.watched(&mut options, STATEMENT_TIMEOUT + GRACE);
            within = Some(STATEMENT_TIMEOUT + GRACE);
        }
        let statements = Counter::default();
        let connection = counted(options.clone(), &statements).await?;
        let (mut writer, mut shares_servers, mut writing) = (None, false, writers(most));
        if is_sqlite {
            writing = 1;
            writer = Some(match most {
                1 => connection.clone(),
                _ => counted(options.max_connections(1).to_owned(), &statements).await?,
            });
        } else {
            shares_servers = pooler::shares_servers(connection.get_postgres_connection_pool()).await?;
        }
        let bound = Bound::new(within, silence);
        let connection = Bounded::reading(connection, bound.clone());
        let turns = Arc::new(Semaphore::new(usize::try_from(writing).unwrap_or(1)));
        Ok(Self {
            connection,
            bound,
            shares_servers,
            writer,
            turns,
            retries: Counter::default(),
            statements,
            waiting: Gauge::default(),
        })
    }

    /// For single statements that only read.
    pub fn read(&self) -> &Bounded<DatabaseConnection> {
        &self.connection
    }

    /// The pool, or SQLite's writer, that transactions are opened on.
    fn opens(&self) -> &DatabaseConnection {
        self.writer.as_ref().unwrap_or(self.connection.unbounded())
    }

    /// Opens a writing transaction; `transact!` does it, and closes it again.
    ///
    /// # Errors
    /// The database's own.
    pub async fn begin(&self) -> Result<Transaction<'_>, DbErr> {
        let turn = self.writers_turn().await?;
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let inner = self.bound.wait(self.opens().begin_with_options(options)).await?;
        let inner = Bounded::new(inner, self.bound.clone());
        Ok(Transaction::new(inner, &self.retries, turn))
    }

    /// Whether a transaction that could not be opened because of `error` should be tried again: none then, else the error.
    /// A connection of the pool may have died since it was last used.
    pub async fn begin_again(&self, error: DbErr, patience: &mut Patience) -> Option<DbErr> {
        let dead = error::lost_its_connection(&error);
        let Some(wait) = dead.then(|| patience.after_death(&error, &self.retries)).flatten() else {
            return Some(error);
        };
        tokio::time::sleep(wait).await;
        None
    }

    /// Opens a transaction that only reads, and sees the books as its first statement finds them, whatever is written
    /// meanwhile. Its statements may take longer than others: it is for those that look at whole tables.
    ///
    /// # Errors
    /// The database's own.
    pub async fn snapshot(&self) -> Result<Snapshot, DbErr> {
        if self.writer.is_some() {
            let mode = Some(SqliteTransactionMode::Deferred);
            let options =
                TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
            let inner = self.connection.unbounded().begin_with_options(options).await?;
            return Ok(Snapshot::new(Bounded::new(inner, self.bound.clone())));
        }
        let options = TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        };
        let inner = self.bound.wait(self.opens().begin_with_options(options)).await?;
        let inner = Bounded::new(inner, self.bound.lasting(SNAPSHOT_STATEMENT_TIMEOUT + GRACE));
        let millis = SNAPSHOT_STATEMENT_TIMEOUT.as_millis();
        inner.execute_unprepared(&format!("SET LOCAL statement_timeout = {millis}")).await?;
        Ok(Snapshot::new(inner))
    }

    async fn writers_turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>, DbErr> {
        if let Ok(turn) = self.turns.try_acquire() {
            return Ok(turn);
        }
        let _waits = Waits::counted(&self.waiting);
        match tokio::time::timeout(ACQUIRE_TIMEOUT, self.turns.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout)),
        }
    }

    /// Whether others use the database right now, here or in another process: a job that can wait leaves it to them.
    ///
    /// # Errors
    /// The database's own.
    pub async fn others_are_at_work(&self) -> Result<bool, DbErr> {
        if self.writer.is_some() {
            return Ok(self.turns.available_permits() == 0);
        }
        let statement = Statement::from_string(DbBackend::Postgres, OTHERS_AT_WORK);
        Ok(self.connection.query_one_raw(statement).await?.is_some())
    }

    /// How many transactions were run again because they lost to another.
    pub fn retries(&self) -> &Counter {
        &self.retries
    }

    /// How many transactions wait for others to end, so that they may begin.
    pub fn waiting(&self) -> &Gauge {
        &self.waiting
    }

    /// How many statements were run.
    pub fn statements(&self) -> &Counter {
        &self.statements
    }

    /// Whether the database answers at all.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.bound.wait(self.connection.unbounded().ping()).await
    }

    /// Whether the database takes writes: a standby does not.
    ///
    /// # Errors
    /// The database's own.
    pub async fn takes_writes(&self) -> Result<bool, DbErr> {
        if self.writer.is_some() {
            return Ok(true);
        }
        let read_only = "SELECT current_setting('transaction_read_only') = 'on'";
        let statement = Statement::from_string(DbBackend::Postgres, read_only);
        let row = self.connection.query_one_raw(statement).await?;
        Ok(!row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(false))
    }

    /// Closes every connection.
    pub async fn close(self) {
        let (connection, _) = self.connection.into_parts();
        for connection in self.writer.into_iter().chain([connection]) {
            if let Err(error) = connection.close().await {
                tracing::debug!(%error, "closing the database");
            }
        }
    }
}

/// Connects, and counts the statements that are run from then on; `RUST_LOG=gudok::db=trace` shows them.
async fn counted(options: ConnectOptions, statements: &Counter) -> Result<DatabaseConnection, DbErr> {
    let mut connection = sea_orm::Database::connect(options).await?;
    let statements = statements.clone();
    connection.set_metric_callback(move |info| {
        statements.inc();
        let (sql, micros) = (&info.statement.sql, info.elapsed.as_micros());
        // Without its values, which are nobody's business.
        tracing::trace!(sql, micros, failed = info.failed, "statement");
    });
    Ok(connection)
}

/// The folder of SQLite's file, made if it is missing: SQLite makes its file but not the folder around it.
fn prepare_folder(url: &str) -> Result<PathBuf, DbErr> {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    let path = PathBuf::from(path.split('?').next().unwrap_or(path));
    if path.as_os_str().is_empty() || url.contains(":memory:") || url.contains("mode=memory") {
        return Err(DbErr::Custom(
            "database.url: SQLite needs a file; in memory the books would be lost".to_owned(),
        ));
    }
    let parent = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = parent.map_or_else(|| PathBuf::from("."), PathBuf::from);
    std::fs::create_dir_all(&folder)
        .map_err(|error| DbErr::Custom(format!("database.url: cannot make {}: {error}", folder.display())))?;
    Ok(folder)
}

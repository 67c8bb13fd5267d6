//! Finds out whether a pooler stands in front of PostgreSQL that gives one connection's transactions to several servers,
//! and refuses one under which the statement of another could be run.

use std::time::Duration;

use sea_orm::sqlx::{self, Connection as _, Executor as _, PgConnection, PgPool, Row as _};
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

/// How long the look may take.
const WITHIN: Duration = Duration::from_secs(5);
/// How long a connection waits for a server that another one holds.
const WAITS: Duration = Duration::from_millis(500);
/// How often two connections are compared: others may use the pooler's servers in between.
const LOOKS: usize = 2;
/// Names of statements as this process gives them, where the server has them as they are.
const OUR_NAMES: &str = "sqlx_s_";
/// What PostgreSQL says of a name that is taken, and of one that it does not know.
const NAME_TAKEN: &str = "42P05";
const NAME_UNKNOWN: &str = "26000";

/// What stands between this process and PostgreSQL.
enum Way {
    /// Nothing that a session would notice.
    Own,
    /// A pooler in transaction mode that can be used.
    Shared {
        /// Whether a statement that runs for ever is ended.
        bounded: bool,
    },
    /// A pooler that does not keep the statements of its clients apart.
    Mixed,
}

/// Says whether transactions of one connection may run on different servers' processes, as they do behind a pooler in
/// transaction mode. What a session keeps is then nobody's: settings, locks, statements.
///
/// # Errors
/// The database's own, and that the pooler does not keep the prepared statements of its clients apart.
pub(super) async fn shares_servers(pool: &PgPool) -> Result<bool, DbErr> {
    let way = tokio::time::timeout(WITHIN, way(pool)).await;
    let way = way.map_err(|_late| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?;
    match way.map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))? {
        Way::Own => Ok(false),
        Way::Shared { bounded } => {
            if !bounded {
                tracing::warn!(
                    "the pooler drops statement_timeout: let `ALTER ROLE ... SET statement_timeout = '10s'` bound statements"
                );
            }
            Ok(true)
        }
        Way::Mixed => Err(DbErr::Custom(
            "database.url leads to a pooler that mixes up the prepared statements of its clients: use PgBouncer 1.21 or \
             later with max_prepared_statements, or pool_mode = session"
                .to_owned(),
        )),
    }
}

async fn way(pool: &PgPool) -> Result<Way, sqlx::Error> {
    let mut ours = pool.acquire().await?;
    let mut other = PgConnection::connect_with(&pool.connect_options()).await?;
    let shared = shared(&mut ours, &mut other).await;
    // It was only for looking.
    if let Err(error) = other.close().await {
        tracing::debug!(%error, "closing a connection");
    }
    if !shared? {
        return Ok(Way::Own);
    }
    if !names_are_kept(&mut ours).await? {
        return Ok(Way::Mixed);
    }
    Ok(Way::Shared { bounded: timeout_holds(&mut ours).await? })
}

/// Whether both connections have met one server's process, or one of them several. They go to and fro, so that neither a
/// pooler that takes the server used last nor one that takes them in turn can hide it.
async fn shared(ours: &mut PgConnection, other: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let (first, second) = (process(ours).await?, process(other).await?);
    for _ in 0..LOOKS {
        if first == second || process(other).await? != second || process(ours).await? != first {
            return apart(ours, other).await;
        }
    }
    Ok(false)
}

/// Whether what looks like one process is two as soon as one connection keeps its own. Some engines that speak PostgreSQL's
/// protocol have one number for all connections, or the same on several machines.
async fn apart(ours: &mut PgConnection, other: &mut PgConnection) -> Result<bool, sqlx::Error> {
    ours.execute(sqlx::raw_sql("BEGIN")).await?;
    let first = process(ours).await?;
    // A pooler with a single server lets the other wait.
    let second = tokio::time::timeout(WAITS, process(other)).await;
    ours.execute(sqlx::raw_sql("ROLLBACK")).await?;
    second.map_or(Ok(true), |second| second.map(|second| second != first))
}

/// The server's process that answers, asked without a prepared statement.
async fn process(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    connection.fetch_one(sqlx::raw_sql("SELECT pg_backend_pid()")).await?.try_get(0)
}

/// Whether the pooler gives statements names of its own, so that those of its clients cannot meet.
async fn names_are_kept(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let names = sqlx::query_scalar::<_, String>("SELECT name FROM pg_prepared_statements");
    match names.fetch_all(connection).await {
        Ok(names) => Ok(!names.iter().any(|name| name.starts_with(OUR_NAMES))),
        Err(sqlx::Error::Database(error))
            if error.code().is_some_and(|code| [NAME_TAKEN, NAME_UNKNOWN].contains(&code.as_ref())) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whether a statement that runs for ever is ended.
async fn timeout_holds(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let set = "SELECT current_setting('statement_timeout') <> '0'";
    connection.fetch_one(sqlx::raw_sql(set)).await?.try_get(0)
}

//! A connection that is kept for several statements that only read: to take one from the pool and to give it back, which
//! asks the database once more whether it is alive, costs more than to read a row.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{self, Decode, Postgres, Row, Sqlite, ValueRef};
use sea_orm::{DbBackend, DbErr, QueryResult, RuntimeErr};

use super::Database;
use super::silence::unanswered;

/// How long PostgreSQL's answer is waited for. That may be too short for a server that is well but slow, so nothing is concluded
/// from it: the connection is closed, and whoever waits can still read for itself.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// The first argument of a statement.
#[derive(Clone, Copy, Debug)]
pub enum First<'a> {
    /// A text.
    One(&'a str),
    /// Several: an array on PostgreSQL, which costs it less to take apart than JSON, and JSON on SQLite, which has no arrays.
    Many(&'a [&'a str]),
}

/// A connection of the pool's; given back when it is dropped.
#[derive(Debug)]
pub struct Reader {
    kept: Kept,
    statements: Counter,
}

#[derive(Debug)]
enum Kept {
    Postgres(PoolConnection<Postgres>),
    Sqlite(PoolConnection<Sqlite>),
}

impl Database {
    /// A connection for statements that only read.
    ///
    /// # Errors
    /// The database's own.
    pub async fn reader(&self) -> Result<Reader, DbErr> {
        let db = self.connection.unbounded();
        let kept = match db.get_database_backend() {
            DbBackend::Sqlite => db.get_sqlite_connection_pool().acquire().await.map(Kept::Sqlite),
            _ => db.get_postgres_connection_pool().acquire().await.map(Kept::Postgres),
        };
        Ok(Reader { kept: kept.map_err(failed)?, statements: self.statements.clone() })
    }

    /// Whether the pool could give out one more connection.
    pub fn has_spare(&self) -> bool {
        let db = self.connection.unbounded();
        let (idle, size, most) = match db.get_database_backend() {
            DbBackend::Sqlite => {
                let pool = db.get_sqlite_connection_pool();
                (pool.num_idle(), pool.size(), pool.options().get_max_connections())
            }
            _ => {
                let pool = db.get_postgres_connection_pool();
                (pool.num_idle(), pool.size(), pool.options().get_max_connections())
            }
        };
        idle > 0 || size < most
    }
}

impl Reader {
    /// Which kind of database it reads.
    pub fn backend(&self) -> DbBackend {
        match &self.kept {
            Kept::Postgres(_) => DbBackend::Postgres,
            Kept::Sqlite(_) => DbBackend::Sqlite,
        }
    }

    /// All rows of `sql`, which is prepared once for each connection, with `$1` and, where there is one, `$2` as given.
    ///
    /// # Errors
    /// The database's own.
    pub async fn all(
        &mut self,
        sql: &'static str,
        first: First<'_>,
        second: Option<i64>,
    ) -> Result<Vec<QueryResult>, DbErr> {
        self.statements.inc();
        tracing::trace!(sql, "statement");
        match &mut self.kept {
            Kept::Postgres(connection) => {
                let query = match first {
                    First::One(text) => sqlx::query(sql).bind(text),
                    First::Many(texts) => sqlx::query(sql).bind(texts),
                };
                let query = if let Some(second) = second { query.bind(second) } else { query };
                let rows = tokio::time::timeout(READ_WITHIN, query.fetch_all(&mut **connection)).await;
                let Ok(rows) = rows else {
                    connection.close_on_drop();
                    return Err(unanswered());
                };
                rows.map(|rows| rows.into_iter().map(QueryResult::from).collect())
            }
            Kept::Sqlite(connection) => {
                let query = match first {
                    First::One(text) => sqlx::query(sql).bind(text),
                    First::Many(texts) => sqlx::query(sql).bind(serde_json::Value::from(texts).to_string()),
                };
                let query = if let Some(second) = second { query.bind(second) } else { query };
                let rows = query.fetch_all(&mut **connection).await;
                rows.map(|rows| rows.into_iter().map(QueryResult::from).collect())
            }
        }
        .map_err(failed)
    }
}

/// Adds the values of `row` to `bytes` as the database sent them, each behind its length: two rows of the same columns
/// are the same where these are.
///
/// # Errors
/// When it is not a row that a [`Reader`] has read.
pub fn raw(row: &QueryResult, bytes: &mut Vec<u8>) -> Result<(), DbErr> {
    let mut add = |value: Option<&[u8]>| {
        let length = value.map_or(-1, |value| i64::try_from(value.len()).unwrap_or(i64::MAX));
        bytes.extend_from_slice(&length.to_ne_bytes());
        bytes.extend_from_slice(value.unwrap_or_default());
    };
    if let Some(row) = row.try_as_pg_row() {
        for at in 0..row.len() {
            let value = row.try_get_raw(at).map_err(failed)?;
            let value = match value.is_null() {
                true => None,
                false => Some(value.as_bytes().map_err(undecoded)?),
            };
            add(value);
        }
    } else if let Some(row) = row.try_as_sqlite_row() {
        for at in 0..row.len() {
            let value = row.try_get_raw(at).map_err(failed)?;
            let value = match value.is_null() {
                true => None,
                // Its own copy: a value of SQLite's that has been lent as bytes can no longer be read as a number.
                false => Some(<Vec<u8> as Decode<'_, Sqlite>>::decode(value).map_err(undecoded)?),
            };
            add(value.as_deref());
        }
    } else {
        return Err(DbErr::Type("a row of neither database".to_owned()));
    }
    Ok(())
}

fn undecoded(error: sqlx::error::BoxDynError) -> DbErr {
    failed(sqlx::Error::Decode(error))
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}

//! Forgets keys that have expired.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, Statement};

use crate::app::App;
use crate::db::transact;

/// Rows that one transaction removes at most.
const BATCH: u64 = 1_000;

/// Removes expired keys with their answers. Returns how many.
///
/// # Errors
/// The database's own; batches that were done stay done.
pub async fn purge(app: &App, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let mut removed = 0;
    loop {
        let batch = transact!(app.db, |tx| {
            let values = [now.into(), i64::try_from(BATCH).unwrap_or(i64::MAX).into()];
            let statement = Statement::from_sql_and_values(tx.get_database_backend(), PURGE, values);
            Ok::<_, DbErr>(tx.execute_raw(statement).await?.rows_affected())
        })?;
        removed += batch;
        if batch < BATCH || app.stopping.is_cancelled() {
            return Ok(removed);
        }
    }
}

/// A row that is replaced while this waits for it has another id.
const PURGE: &str = "
    DELETE FROM idempotency_key WHERE id IN (SELECT k.id FROM idempotency_key k
        WHERE k.expires_at <= $1 ORDER BY k.expires_at LIMIT $2)";

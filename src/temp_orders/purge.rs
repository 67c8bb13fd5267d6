//! Removes orders that can no longer be paid.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, Statement};

use crate::app::App;
use crate::db::transact;

/// Rows that one transaction removes at most.
const BATCH: u64 = 1_000;

/// Removes expired orders, except those whose payment is still being found out. Returns how many.
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

const PURGE: &str = "
    DELETE FROM temp_order WHERE order_id IN (SELECT t.order_id FROM temp_order t
        WHERE t.expires_at <= $1 AND NOT EXISTS (SELECT 1 FROM payment p
            WHERE p.order_id = t.order_id AND p.status = 'IN_PROGRESS')
        ORDER BY t.expires_at LIMIT $2)";

//! Forgets webhooks that are over: a repetition that comes later only costs another look.

use chrono::{DateTime, Duration, Utc};
use sea_orm::{ConnectionTrait, DbErr, Statement};

use crate::app::App;
use crate::db::transact;

/// How long a webhook is remembered: Toss sends one again for almost four days.
const KEEP: Duration = Duration::days(14);
/// How long one that was about nothing of ours is: strangers can send many.
const KEEP_IGNORED: Duration = Duration::days(5);
/// Rows that one transaction removes at most.
const BATCH: i64 = 1_000;

/// Forgets what is old enough. Returns how many.
///
/// # Errors
/// The database's own; batches that were done stay done.
pub async fn purge(app: &App, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let mut removed = 0;
    loop {
        let batch = transact!(app.db, |tx| {
            let values = [(now - KEEP).into(), (now - KEEP_IGNORED).into(), BATCH.into()];
            let statement = Statement::from_sql_and_values(tx.get_database_backend(), PURGE, values);
            Ok::<_, DbErr>(tx.execute_raw(statement).await?.rows_affected())
        })?;
        removed += batch;
        if batch < BATCH.unsigned_abs() || app.stopping.is_cancelled() {
            return Ok(removed);
        }
    }
}

const PURGE: &str = "
    DELETE FROM webhook WHERE id IN (SELECT w.id FROM webhook w
        WHERE (w.status = 'DONE' AND w.received_at <= $1) OR (w.status = 'IGNORED' AND w.received_at <= $2)
        ORDER BY w.received_at LIMIT $3)";

//! Forgets keys that have expired.

use chrono::{DateTime, Utc};
use sea_orm::DbErr;

use crate::app::App;
use crate::db::delete_in_batches;

/// Removes expired keys with their answers. Returns how many.
///
/// # Errors
/// The database's own; batches that were done stay done.
pub async fn purge(app: &App, now: DateTime<Utc>) -> Result<u64, DbErr> {
    delete_in_batches(app, PURGE, &[now.into()]).await
}

/// A row that is replaced while this waits for it has another id.
const PURGE: &str = "
    DELETE FROM idempotency_key WHERE id IN (SELECT k.id FROM idempotency_key k
        WHERE k.expires_at <= $1 ORDER BY k.expires_at LIMIT $2)";

//! Forgets webhooks that are over: a repetition that comes later only costs another look.

use chrono::{DateTime, Duration, Utc};
use sea_orm::DbErr;

use crate::app::App;
use crate::db::delete_in_batches;

/// How long a webhook is remembered: Toss sends one again for almost four days.
const KEEP: Duration = Duration::days(14);
/// How long one that was about nothing of ours is: strangers can send many.
const KEEP_IGNORED: Duration = Duration::days(5);

/// Forgets what is old enough. Returns how many.
///
/// # Errors
/// The database's own; batches that were done stay done.
pub async fn purge(app: &App, now: DateTime<Utc>) -> Result<u64, DbErr> {
    delete_in_batches(app, PURGE, &[(now - KEEP).into(), (now - KEEP_IGNORED).into()]).await
}

const PURGE: &str = "
    DELETE FROM webhook WHERE id IN (SELECT w.id FROM webhook w
        WHERE (w.status = 'DONE' AND w.received_at <= $1) OR (w.status = 'IGNORED' AND w.received_at <= $2)
        ORDER BY w.received_at LIMIT $3)";

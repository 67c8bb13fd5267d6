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
    // One after the other: of both at once an index would bring all that are as old as either.
    let done = delete_in_batches(app, PURGE_DONE, &[(now - KEEP).into()]).await?;
    Ok(done + delete_in_batches(app, PURGE_IGNORED, &[(now - KEEP_IGNORED).into()]).await?)
}

/// The condition stands outside as well, so that no plan begins with the whole table.
const PURGE_DONE: &str = "
    DELETE FROM webhook WHERE status = 'DONE' AND received_at <= $1 AND id IN (SELECT w.id FROM webhook w
        WHERE w.status = 'DONE' AND w.received_at <= $1 ORDER BY w.received_at LIMIT $2)";

const PURGE_IGNORED: &str = "
    DELETE FROM webhook WHERE status = 'IGNORED' AND received_at <= $1 AND id IN (SELECT w.id FROM webhook w
        WHERE w.status = 'IGNORED' AND w.received_at <= $1 ORDER BY w.received_at LIMIT $2)";

//! Brings the columns that SQL readers see up to the clock: ended subscriptions, and plans that took over.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, Statement};

use crate::app::App;
use crate::db::transact;

/// Rows that one transaction changes at most, so that purchases go on beside it.
const BATCH: u64 = 1_000;

/// Expires what has ended and switches plans where another period has begun. It reads no row into memory and can be
/// run again at any time. Returns how many subscriptions changed.
///
/// # Errors
/// The database's own; batches that were done stay done.
pub async fn expire(app: &App, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let mut affected = 0;
    for sql in [EXPIRE, SWITCH_PLAN] {
        loop {
            let changed = transact!(app.db, |tx| {
                let values = [now.into(), i64::try_from(BATCH).unwrap_or(i64::MAX).into()];
                let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
                Ok::<_, DbErr>(tx.execute_raw(statement).await?.rows_affected())
            })?;
            affected += changed;
            // A renewal can take rows out of a batch, so a small one need not be the last.
            if changed == 0 || app.stopping.is_cancelled() {
                break;
            }
        }
    }
    Ok(affected)
}

/// The conditions stand twice: a row that a renewal held is judged again by what the renewal made of it, and PostgreSQL
/// judges only the outer ones again.
const EXPIRE: &str = "
    UPDATE subscription SET status = 'EXPIRED', is_active = false, changes_at = NULL, updated_at = $1,
        plan_id = (SELECT p.plan_id FROM subscription_period p
            WHERE p.subscription_id = subscription.id AND p.revoked_at IS NULL ORDER BY p.starts_at DESC LIMIT 1)
    WHERE id IN (SELECT s.id FROM subscription s
        WHERE s.changes_at <= $1 AND s.end_date <= $1 ORDER BY s.changes_at LIMIT $2)
    AND changes_at <= $1 AND end_date <= $1";

/// The plan whose period runs now, until the first later period of another plan begins or the last one ends.
const SWITCH_PLAN: &str = "
    UPDATE subscription SET updated_at = $1,
        plan_id = (SELECT p.plan_id FROM subscription_period p WHERE p.subscription_id = subscription.id
            AND p.revoked_at IS NULL AND p.ends_at > $1 ORDER BY p.starts_at LIMIT 1),
        changes_at = COALESCE((SELECT MIN(q.starts_at) FROM subscription_period q
            WHERE q.subscription_id = subscription.id AND q.revoked_at IS NULL AND q.starts_at > $1
            AND q.plan_id <> (SELECT p.plan_id FROM subscription_period p WHERE p.subscription_id = subscription.id
                AND p.revoked_at IS NULL AND p.ends_at > $1 ORDER BY p.starts_at LIMIT 1)), end_date)
    WHERE id IN (SELECT s.id FROM subscription s
        WHERE s.changes_at <= $1 AND s.end_date > $1 ORDER BY s.changes_at LIMIT $2)
    AND changes_at <= $1 AND end_date > $1";

//! Puts right what a clock that was ahead has ended in the columns that SQL readers see.

use chrono::{DateTime, Utc};
use entity::SubscriptionId;
use sea_orm::{ConnectionTrait, DbErr, Statement, TryGetable, Value};

use super::expire::AS_IT_RUNS;
use crate::app::App;
use crate::db::transact;

/// Rows that one transaction changes at most.
const BATCH: usize = 500;

/// Sets the columns of subscriptions that are said to have ended, and have not, to what they are at `now`. Returns how many.
///
/// # Errors
/// The database's own; batches that were done stay done.
pub(crate) async fn reopen(app: &App, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let mut reopened = 0;
    loop {
        let ids = early(app, now).await?;
        let last = ids.len() < BATCH;
        let changed = if ids.is_empty() { 0 } else { change(app, now, &ids).await? };
        reopened += changed;
        // Whoever was found and not changed has just been changed by another.
        if last || changed == 0 {
            break;
        }
    }
    if reopened > 0 {
        tracing::warn!(subscriptions = reopened, "ended by a clock that was ahead, and running again");
    }
    Ok(reopened)
}

/// Some of those that ended too early. Looked for in a transaction that may take its time: hardly ever there is one, and all
/// that run are looked at.
async fn early(app: &App, now: DateTime<Utc>) -> Result<Vec<SubscriptionId>, DbErr> {
    let snapshot = app.db.snapshot().await?.aside().await?;
    let db = snapshot.connection();
    let values: [Value; 2] = [now.into(), i64::try_from(BATCH).unwrap_or(i64::MAX).into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), EARLY, values);
    let rows = db.query_all_raw(statement).await?;
    rows.iter().map(|row| SubscriptionId::try_get_by_index(row, 0).map_err(DbErr::from)).collect()
}

async fn change(app: &App, now: DateTime<Utc>, ids: &[SubscriptionId]) -> Result<u64, DbErr> {
    let places: Vec<String> = (2..ids.len() + 2).map(|place| format!("${place}")).collect();
    let reopen = REOPEN.replace("{as it runs}", AS_IT_RUNS).replace("{ids}", &places.join(", "));
    let ids = ids.iter().map(|id| Value::from(id.to_string()));
    let values: Vec<Value> = [now.into()].into_iter().chain(ids).collect();
    transact!(app.db, |tx| {
        let statement =
            Statement::from_sql_and_values(tx.get_database_backend(), reopen.clone(), values.clone());
        Ok::<_, DbErr>(tx.execute_raw(statement).await?.rows_affected())
    })
}

const EARLY: &str = "
    SELECT s.id FROM subscription s WHERE s.end_date > $1 AND s.changes_at IS NULL AND s.status = 'EXPIRED'
        AND EXISTS (SELECT 1 FROM subscription_period p WHERE p.subscription_id = s.id AND p.revoked_at IS NULL
            AND p.ends_at > $1)
    LIMIT $2";

const REOPEN: &str = "
    UPDATE subscription SET status = 'ACTIVE', is_active = true, {as it runs}
    WHERE id IN ({ids}) AND end_date > $1 AND changes_at IS NULL AND status = 'EXPIRED'";

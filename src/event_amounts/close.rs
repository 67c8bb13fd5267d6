//! Adds up the entries of the event total that can no longer change, so that reading the total stays cheap.

use chrono::{DateTime, Duration, Utc};
use entity::event_amount;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, Statement, Value};

use crate::app::App;
use crate::db::transact;

/// No entry is written with a time so long ago: a transaction takes seconds, and clocks differ by less than a day.
const SETTLED: Duration = Duration::days(2);

/// Adds up all entries that are older than two days, anew each time: what came late after all is in the next sum.
///
/// # Errors
/// The database's own; the sum before stays.
pub(crate) async fn close(app: &App, now: DateTime<Utc>) -> Result<(), DbErr> {
    // An entry that is there, and no later instant: by a clock that is ahead, entries yet to come would count as added up.
    let last = event_amount::Entity::find()
        .filter(event_amount::Column::CreatedAt.lte(now - SETTLED))
        .order_by_desc(event_amount::Column::CreatedAt)
        .one(app.db.read())
        .await?;
    let Some(last) = last else { return Ok(()) };
    transact!(app.db, |tx| {
        tx.execute_unprepared(REMOVE).await?;
        let ends_at: [Value; 1] = [last.created_at.into()];
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), ADD_UP, ends_at);
        tx.execute_raw(statement).await.map(drop)
    })
}

const REMOVE: &str = "DELETE FROM event_total";

const ADD_UP: &str = "
    INSERT INTO event_total (ends_at, amount)
    VALUES ($1, (SELECT CAST(COALESCE(SUM(amount), 0) AS bigint) FROM event_amount WHERE created_at < $1))";

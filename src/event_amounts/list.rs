//! Reads the event total and its entries.

use chrono::{DateTime, Utc};
use entity::event_amount;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, Statement};

use crate::http::page::{Page, PageRequest, page_of};

/// The sum of all entries, in won: what was added up every few minutes, and the entries since.
///
/// # Errors
/// The database's own.
pub async fn total(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let values = [DateTime::<Utc>::UNIX_EPOCH.into(), END.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), TOTAL, values);
    let row = db.query_one_raw(statement).await?;
    row.map_or(Ok(0), |row| row.try_get("", "total"))
}

/// The year 9999, in which nothing of ours is entered any more.
const END: DateTime<Utc> = match DateTime::from_timestamp(253_370_764_800, 0) {
    Some(end) => end,
    None => DateTime::<Utc>::MAX_UTC,
};

/// One statement, so that it sees one state of both tables. PostgreSQL sums whole numbers as `numeric`, and takes a range without
/// an end for a third of the table, which it would then read as a whole.
const TOTAL: &str = "
    SELECT CAST(COALESCE((SELECT t.amount FROM event_total t ORDER BY t.ends_at DESC LIMIT 1), 0)
        + COALESCE((SELECT SUM(e.amount) FROM event_amount e
            WHERE e.created_at >= COALESCE((SELECT MAX(t.ends_at) FROM event_total t), $1)
            AND e.created_at < $2), 0) AS bigint) AS total";

/// One page of entries, newest first.
///
/// # Errors
/// The database's own.
pub async fn list(db: &impl ConnectionTrait, page: &PageRequest) -> Result<Page<event_amount::Model>, DbErr> {
    use event_amount::Column;
    let key = |entry: &event_amount::Model| (entry.created_at, entry.id.to_string());
    page_of(db, event_amount::Entity::find(), (Column::CreatedAt, Column::Id), page, key).await
}

//! Reads the event total and its entries.

use entity::event_amount;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, Statement};

use crate::http::page::{Page, PageRequest, page_of};

/// The sum of all entries, in won.
///
/// # Errors
/// The database's own.
pub async fn total(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    // PostgreSQL sums whole numbers as `numeric`.
    let sql = "SELECT CAST(COALESCE(SUM(amount), 0) AS bigint) AS total FROM event_amount";
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    row.map_or(Ok(0), |row| row.try_get("", "total"))
}

/// One page of entries, newest first.
///
/// # Errors
/// The database's own.
pub async fn list(db: &impl ConnectionTrait, page: &PageRequest) -> Result<Page<event_amount::Model>, DbErr> {
    use event_amount::Column;
    let key = |entry: &event_amount::Model| (entry.created_at, entry.id.to_string());
    page_of(db, event_amount::Entity::find(), (Column::CreatedAt, Column::Id), page, key).await
}

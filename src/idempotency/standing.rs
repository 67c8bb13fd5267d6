//! Tells what has been made under a key, without claiming it.

use chrono::{DateTime, Utc};
use entity::idempotency_key::{self, Column};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};

use crate::app::App;

/// What a key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Under {
    /// Nothing: it never came, was let go, or its work died before anything was made.
    Nothing,
    /// Work that has made nothing yet.
    Working,
    /// This.
    Made(String),
}

/// What the `key` of `caller` stands for at `now`.
///
/// # Errors
/// The database's own.
pub(crate) async fn standing(app: &App, caller: &str, key: &str, now: DateTime<Utc>) -> Result<Under, DbErr> {
    let row = idempotency_key::Entity::find()
        .filter(Column::Caller.eq(caller))
        .filter(Column::Key.eq(key))
        .one(app.db.read())
        .await?;
    Ok(match row.filter(|row| row.expires_at > now) {
        Some(idempotency_key::Model { resource: Some(made), .. }) => Under::Made(made),
        Some(row) if row.lease_until > now => Under::Working,
        _ => Under::Nothing,
    })
}

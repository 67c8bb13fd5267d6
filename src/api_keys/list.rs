//! Reads the keys that were made.

use chrono::{DateTime, Utc};
use entity::api_key::{self, ApiKeyRole};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryOrder, QuerySelect};

/// Keys that are read at most.
const MOST: u64 = 1_000;

/// How a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is good.
    Active,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

impl Standing {
    /// How `key` stands at `now`.
    pub fn of(key: &api_key::Model, now: DateTime<Utc>) -> Self {
        match (key.revoked_at, key.expires_at) {
            (Some(_), _) => Self::Revoked,
            (None, Some(at)) if at <= now => Self::Expired,
            (None, _) => Self::Active,
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// The role's name.
pub fn role(role: ApiKeyRole) -> &'static str {
    match role {
        ApiKeyRole::Service => "service",
        ApiKeyRole::Admin => "admin",
    }
}

/// The keys that were made, newest first, at most a thousand.
///
/// # Errors
/// The database's own.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<api_key::Model>, DbErr> {
    use api_key::Column;
    let all = api_key::Entity::find().order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
    all.limit(MOST).all(db).await
}

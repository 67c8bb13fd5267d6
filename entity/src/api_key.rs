//! API keys beyond the two configured ones. The key itself is nowhere: only its digest is kept.

use sea_orm::entity::prelude::*;

use crate::{ApiKeyId, Timestamp};

/// A key as it was made, and what became of it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    /// Identifies the key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApiKeyId,
    /// What people call it, at most 100 characters.
    pub name: Option<String>,
    /// What it may do.
    pub role: ApiKeyRole,
    /// Its first characters, by which people know it; unique.
    pub prefix: String,
    /// The SHA-256 of the whole key, in hexadecimal digits; unique.
    pub hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From this instant on it is refused; none for a key without an end.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum ApiKeyRole {
    /// What the SaaS's own servers may.
    #[sea_orm(string_value = "service")]
    Service,
    /// Everything.
    #[sea_orm(string_value = "admin")]
    Admin,
}

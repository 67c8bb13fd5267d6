//! Who is signed in at the dashboard.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `admin_session`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "admin_session")]
pub struct Model {
    /// The SHA-256 of what the cookie holds, in hexadecimal digits: reading the table lets nobody in.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Which key opened it, as a fingerprint that does not tell the key.
    pub credential: String,
    /// When it was opened.
    pub created_at: Timestamp,
    /// From this instant on it is over.
    pub expires_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

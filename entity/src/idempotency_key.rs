//! Callers' own `Idempotency-Key`s: the first answer, for a day.

use sea_orm::entity::prelude::*;

use crate::{ClaimId, HiddenText, Timestamp};

/// One key of one caller.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    /// Identifies the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ClaimId,
    /// Whose key it is.
    pub caller: String,
    /// The key, as it was sent.
    pub key: String,
    /// A digest of what was asked: method, path and body.
    pub fingerprint: String,
    /// Who works on it: a retry after a crash takes the row over under a claim of its own.
    pub claim: ClaimId,
    /// Until when that work is believed to go on.
    pub lease_until: Timestamp,
    /// What the work has made, written in the same transaction: a retry answers with it instead of making another.
    pub resource: Option<String>,
    /// The status of the first answer; none while there is none.
    pub response_status: Option<i32>,
    /// The headers of the first answer that belong to it.
    pub response_headers: Option<Json>,
    /// The first answer.
    pub response_body: Option<HiddenText>,
    /// When the key came first.
    pub created_at: Timestamp,
    /// From when on it is forgotten.
    pub expires_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

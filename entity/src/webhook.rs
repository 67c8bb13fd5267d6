//! What Toss called us about: a hint, kept until the payment has been read again.

use sea_orm::entity::prelude::*;

use crate::{HiddenText, Timestamp, WebhookId};

/// One webhook, however often it was sent.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook")]
pub struct Model {
    /// Identifies it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookId,
    /// Toss's transmission id, else a digest of the body; unique.
    pub dedupe_key: String,
    /// Which kind of event it claims to be.
    pub event_type: String,
    /// The order that it claims to be about, as it was sent.
    pub order_id: Option<String>,
    /// The payment that it claims to be about, as it was sent.
    pub payment_key: Option<String>,
    /// What of its body counts, and nothing else of it.
    pub body: HiddenText,
    /// Whether it has been worked off.
    pub status: WebhookStatus,
    /// What became of it, in a word.
    pub outcome: Option<String>,
    /// How often it was worked on in vain.
    pub tries: i32,
    /// When it is worked on next; none when it is over.
    pub next_try_at: Option<Timestamp>,
    /// When it came first.
    pub received_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}

/// Whether a webhook has been worked off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum WebhookStatus {
    /// Not yet.
    #[sea_orm(string_value = "PENDING")]
    Pending,
    /// The payment has been read again.
    #[sea_orm(string_value = "DONE")]
    Done,
    /// It is about nothing of ours, or forged.
    #[sea_orm(string_value = "IGNORED")]
    Ignored,
}

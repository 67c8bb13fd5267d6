//! Money given back, written before Toss is asked for it.

use sea_orm::entity::prelude::*;

use crate::{HiddenJson, IdempotencyKey, OrderId, RefundId, Timestamp, Won};

/// One refund. While it is `PENDING` its amount is reserved.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refund")]
pub struct Model {
    /// Identifies the refund.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RefundId,
    /// The payment that it gives back.
    pub order_id: OrderId,
    /// How much, in won.
    pub amount: Won,
    /// Why, in the words of whoever asked, 1 to 200 characters.
    pub reason: String,
    /// Whether the money went back.
    pub status: RefundStatus,
    /// Toss's key of the cancel; unique.
    pub transaction_key: Option<String>,
    /// Toss's code, where it said no.
    pub failure_code: Option<String>,
    /// Toss's words, where it said no.
    pub failure_message: Option<String>,
    /// The balance that Toss must still see, in won: its optimistic lock.
    pub expected_balance: Won,
    /// Where the money of a virtual account goes, while it is still on its way there; never kept beyond that.
    pub receive_account: Option<HiddenJson>,
    /// The `Idempotency-Key` under which it was sent; none for a cancel that staff made at Toss.
    pub idempotency_key: Option<IdempotencyKey>,
    /// When Toss is to be asked next; none when nothing is open.
    pub next_settle_at: Option<Timestamp>,
    /// How often it has been asked in vain.
    pub settle_tries: i32,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When Toss gave the money back.
    pub refunded_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}

/// Whether the money went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum RefundStatus {
    /// Not known yet.
    #[sea_orm(string_value = "PENDING")]
    Pending,
    /// It did.
    #[sea_orm(string_value = "DONE")]
    Done,
    /// It did not and will not.
    #[sea_orm(string_value = "FAILED")]
    Failed,
}

//! Approvals that cannot be honoured, and the full cancel that gives their money back.

use sea_orm::entity::prelude::*;

use crate::refund::RefundStatus;
use crate::{IdempotencyKey, OrderId, PaymentKey, Timestamp, Won};

/// One approval that is undone.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "compensation")]
pub struct Model {
    /// The approved payment at Toss.
    #[sea_orm(primary_key, auto_increment = false)]
    pub payment_key: PaymentKey,
    /// The order that it was meant for.
    pub order_id: OrderId,
    /// How much goes back, in won.
    pub amount: Won,
    /// Why it cannot be honoured, for operators.
    pub reason: String,
    /// Whether the money went back.
    pub status: RefundStatus,
    /// The `Idempotency-Key` of the cancel.
    pub idempotency_key: IdempotencyKey,
    /// Toss's code, where it said no.
    pub failure_code: Option<String>,
    /// Toss's words, where it said no.
    pub failure_message: Option<String>,
    /// When Toss is to be asked next; none when it is over.
    pub next_settle_at: Option<Timestamp>,
    /// How often it has been asked in vain.
    pub settle_tries: i32,
    /// When it was found necessary.
    pub created_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}

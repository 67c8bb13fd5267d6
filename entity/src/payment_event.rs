//! Each move of a payment's state; nothing updates or deletes a row.

use sea_orm::entity::prelude::*;

use crate::payment::PaymentStatus;
use crate::{IdempotencyKey, OrderId, PaymentEventId, PaymentKey, Timestamp, Won};

/// One move: from what, to what, by what, when.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_event")]
pub struct Model {
    /// Orders the moves of one payment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PaymentEventId,
    /// The payment that moved.
    pub order_id: OrderId,
    /// What it was; none at the first.
    pub from_status: Option<PaymentStatus>,
    /// What it became.
    pub to_status: PaymentStatus,
    /// What made it move.
    pub cause: Cause,
    /// Approved minus cancelled after the move, in won.
    pub balance_amount: Won,
    /// The payment key of the attempt that this is about.
    pub payment_key: Option<PaymentKey>,
    /// The `Idempotency-Key` of the attempt that this is about.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Toss's code, where it said no.
    pub code: Option<String>,
    /// Toss's words, where it said no.
    pub message: Option<String>,
    /// By what the buyer tried to pay, where Toss said no and told it.
    pub payment_method: Option<String>,
    /// When it moved.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

/// What makes a payment move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum Cause {
    /// A confirmation by the buyer's front end.
    #[sea_orm(string_value = "CONFIRM")]
    Confirm,
    /// The buyer came back by the fail URL.
    #[sea_orm(string_value = "FAIL")]
    Fail,
    /// A refund asked for through us.
    #[sea_orm(string_value = "CANCEL")]
    Cancel,
    /// The job that finds out unknown outcomes.
    #[sea_orm(string_value = "SETTLE")]
    Settle,
    /// A webhook of Toss's, which made us ask.
    #[sea_orm(string_value = "WEBHOOK")]
    Webhook,
    /// The comparison of Toss's books with ours, which made us ask.
    #[sea_orm(string_value = "RECONCILE")]
    Reconcile,
    /// The cancel of an approval that could not be honoured.
    #[sea_orm(string_value = "COMPENSATE")]
    Compensate,
}

//! One purchase and what Toss says about its money.

use sea_orm::entity::prelude::*;

use crate::{Currency, HiddenText, IdempotencyKey, OrderId, PaymentKey, PlanId, Timestamp, UserId, Won};

/// A payment. It is written before Toss is asked, so that it survives whatever happens next.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment")]
pub struct Model {
    /// Identifies the purchase, here and at Toss.
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: OrderId,
    /// Who buys.
    pub user_id: UserId,
    /// What is bought.
    pub plan_id: PlanId,
    /// What the payment window showed.
    pub order_name: String,
    /// The price, in won.
    pub amount: Won,
    /// Approved minus cancelled, in won.
    pub balance_amount: Won,
    /// Currency of the amounts.
    pub currency: Currency,
    /// Calendar months that it buys; none for an event.
    pub interval_months: Option<i32>,
    /// Toss's own status.
    pub status: PaymentStatus,
    /// The issuer, provider or method by which it was paid, for people.
    pub payment_method: Option<String>,
    /// Toss's key of the newest attempt; unique among attempts that have not failed. None when the payment window itself failed.
    pub payment_key: Option<PaymentKey>,
    /// Toss's receipt page.
    pub receipt_url: Option<String>,
    /// Toss's code of the last failure.
    pub failure_code: Option<String>,
    /// Toss's words of the last failure.
    pub failure_message: Option<String>,
    /// The account to pay into, where the method is one.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub virtual_account: Option<Json>,
    /// What Toss will repeat in its deposit call-back.
    pub toss_secret: Option<HiddenText>,
    /// When the buyer opened the payment window, by Toss.
    pub requested_at: Option<Timestamp>,
    /// When Toss approved it.
    pub approved_at: Option<Timestamp>,
    /// How often the order was offered to Toss with a new payment key, from 1; 0 before the first.
    pub attempt: i32,
    /// The `Idempotency-Key` under which the newest attempt was sent.
    pub idempotency_key: Option<IdempotencyKey>,
    /// When the newest attempt was claimed.
    pub attempted_at: Option<Timestamp>,
    /// When Toss is to be asked next; none when nothing is open.
    pub next_settle_at: Option<Timestamp>,
    /// How often it has been asked in vain.
    pub settle_tries: i32,
    /// How often Toss has said that it knows no such payment.
    pub not_found_count: i32,
    /// When it was first written.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

/// Toss's eight states of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))")]
pub enum PaymentStatus {
    /// The window is open, the buyer has not authenticated.
    #[sea_orm(string_value = "READY")]
    Ready,
    /// Authenticated; the outcome of the confirmation is not known yet.
    #[sea_orm(string_value = "IN_PROGRESS")]
    InProgress,
    /// A virtual account was issued and waits for its deposit.
    #[sea_orm(string_value = "WAITING_FOR_DEPOSIT")]
    WaitingForDeposit,
    /// Approved.
    #[sea_orm(string_value = "DONE")]
    Done,
    /// Cancelled in one piece.
    #[sea_orm(string_value = "CANCELED")]
    Canceled,
    /// Cancelled in parts; also when nothing is left.
    #[sea_orm(string_value = "PARTIAL_CANCELED")]
    PartialCanceled,
    /// A definite no.
    #[sea_orm(string_value = "ABORTED")]
    Aborted,
    /// It was not confirmed in time.
    #[sea_orm(string_value = "EXPIRED")]
    Expired,
}

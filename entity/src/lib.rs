//! One file per table: columns and the types that keep illegal values out of them. Rules live in the domains.

#![allow(
    clippy::disallowed_methods,
    reason = "code that the ORM's macro generates for nested saves, which we never call"
)]

pub mod admin_session;
pub mod api_key;
pub mod audit_event;
pub mod checkout;
pub mod compensation;
pub mod customer;
pub mod event_amount;
pub mod finding;
pub mod hidden;
pub mod idempotency_key;
pub mod ids;
pub mod job_run;
pub mod money;
pub mod payment;
pub mod payment_event;
pub mod plan;
pub mod refund;
pub mod subscription;
pub mod subscription_period;
pub mod temp_order;
pub mod webhook;

pub use hidden::{HiddenJson, HiddenText};
pub use ids::{
    ApiKeyId, AuditEventId, ClaimId, CustomerKey, EventAmountId, FindingId, IdempotencyKey, JobRunId,
    OrderId, PaymentEventId, PaymentKey, PeriodId, PlanCode, PlanId, RefundId, SubscriptionId, UserId,
    WebhookId,
};
pub use money::{Currency, Won, WonChange};

/// An instant in UTC, as every time column holds it.
pub type Timestamp = sea_orm::prelude::DateTimeUtc;

//! One file per table: columns and the types that keep illegal values out of them. Rules live in the domains.

pub mod customer;
pub mod event_amount;
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

pub use ids::{
    CustomerKey, EventAmountId, IdempotencyKey, JobRunId, OrderId, PaymentEventId, PaymentKey, PeriodId,
    PlanCode, PlanId, RefundId, SubscriptionId, UserId,
};
pub use money::{Currency, Won, WonChange};

/// An instant in UTC, as every time column holds it.
pub type Timestamp = sea_orm::prelude::DateTimeUtc;

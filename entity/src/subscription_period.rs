//! The time that one paid order buys: `[starts_at, ends_at)`.

use sea_orm::entity::prelude::*;

use crate::{OrderId, PeriodId, PlanId, SubscriptionId, Timestamp, Won};

/// One paid period. An interrupted one holds what is left of it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscription_period")]
pub struct Model {
    /// Orders periods by when they were recorded.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PeriodId,
    /// The subscription it belongs to.
    pub subscription_id: SubscriptionId,
    /// The order that paid for it; unique.
    pub order_id: OrderId,
    /// The plan it gives.
    pub plan_id: PlanId,
    /// What was paid for it, in won.
    pub amount: Won,
    /// Calendar months it was sold as.
    pub interval_months: i32,
    /// When Toss approved the order.
    pub purchased_at: Timestamp,
    /// First instant inside.
    pub starts_at: Timestamp,
    /// First instant after.
    pub ends_at: Timestamp,
    /// When a refund took it back.
    pub revoked_at: Option<Timestamp>,
    /// Whether the user still had paid time when it was bought, as far as was known when it was recorded.
    pub renews: bool,
    /// When it was recorded.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

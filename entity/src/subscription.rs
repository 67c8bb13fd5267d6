//! What a user is subscribed to. The columns are what SQL readers see; answers compute from the clock.

use sea_orm::entity::prelude::*;

use crate::{PlanId, SubscriptionId, Timestamp, UserId};

/// A user's only subscription.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscription")]
pub struct Model {
    /// Identifies the subscription.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SubscriptionId,
    /// Whose it is; unique.
    pub user_id: UserId,
    /// The plan that runs, or ran last.
    pub plan_id: PlanId,
    /// Whether it runs, ran out or was refunded.
    pub status: SubscriptionStatus,
    /// Whether it runs.
    pub is_active: bool,
    /// Start of the unbroken run of periods that ends at `end_date`.
    pub start_date: Timestamp,
    /// From this instant on it no longer runs.
    pub end_date: Timestamp,
    /// The next instant at which plan or status change by themselves; none when nothing will.
    pub changes_at: Option<Timestamp>,
    /// When it was first bought.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// A copy of the periods that no refund took back, in the order of time: a JSON list of
    /// `[order_id, plan_id, starts_at, ends_at]`. None when they are too many.
    pub periods: Option<String>,
    /// The `updated_at` with which the copy was written. Another one means that it may be out of date.
    pub periods_as_of: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}

/// Whether a subscription runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum SubscriptionStatus {
    /// It runs.
    #[sea_orm(string_value = "ACTIVE")]
    Active,
    /// It ran out.
    #[sea_orm(string_value = "EXPIRED")]
    Expired,
    /// Everything that was paid for it was refunded.
    #[sea_orm(string_value = "CANCELED")]
    Canceled,
}

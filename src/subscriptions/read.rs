//! Reads one user's subscription as it stands at an instant: the entitlement check.

use chrono::{DateTime, Utc};
use entity::subscription::SubscriptionStatus;
use entity::{PlanId, UserId, subscription, subscription_period};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::schedule::Slot;
use super::state::State;

/// Periods that are read at most, newest first kept: fifty years of months.
const MOST_PERIODS: u64 = 600;

/// A subscription and its live periods at an instant.
#[derive(Clone, Debug)]
pub struct Subscribed {
    /// The row, whose plan, status and dates may lag behind the clock.
    pub row: subscription::Model,
    /// Whether it runs, ran out or was refunded, by the clock.
    pub status: SubscriptionStatus,
    /// The plan that runs, or ran last, by the clock.
    pub plan_id: PlanId,
    /// The periods that no refund took back, in the order of time.
    pub periods: Vec<subscription_period::Model>,
}

/// The subscription of `user_id` at `now`, right to the second.
///
/// # Errors
/// The database's own.
pub async fn of_user(
    db: &impl ConnectionTrait,
    user_id: &UserId,
    now: DateTime<Utc>,
) -> Result<Option<Subscribed>, DbErr> {
    let found =
        subscription::Entity::find().filter(subscription::Column::UserId.eq(user_id.clone())).one(db).await?;
    let Some(row) = found else { return Ok(None) };
    let mut periods = subscription_period::Entity::find()
        .filter(subscription_period::Column::SubscriptionId.eq(row.id))
        .filter(subscription_period::Column::RevokedAt.is_null())
        .order_by_desc(subscription_period::Column::StartsAt)
        .limit(MOST_PERIODS)
        .all(db)
        .await?;
    periods.reverse();
    let slots: Vec<Slot> = periods.iter().map(slot).collect();
    let (status, plan_id) = match State::at(&slots, now) {
        Some(state) => (state.status, state.plan_id),
        None => (row.status, row.plan_id),
    };
    Ok(Some(Subscribed { row, status, plan_id, periods }))
}

fn slot(period: &subscription_period::Model) -> Slot {
    Slot {
        id: period.id,
        order_id: period.order_id.clone(),
        plan_id: period.plan_id,
        starts_at: period.starts_at,
        ends_at: period.ends_at,
    }
}

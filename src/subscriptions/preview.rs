//! What a purchase or a refund would do to a subscription, without doing it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::{OrderId, PeriodId, PlanId, UserId, Won};
use sea_orm::ConnectionTrait;

use super::periods::{PeriodError, find, live_periods, purchase};
use super::schedule::{Purchase, Slot, schedule};
use super::state::State;

/// What somebody may buy.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The order that quotes it.
    pub order_id: OrderId,
    /// The plan.
    pub plan_id: PlanId,
    /// Its price, in won.
    pub amount: Won,
    /// Calendar months that it buys.
    pub months: u32,
}

/// Where the time of `offer` would lie if `user_id` paid for it at `now`.
///
/// # Errors
/// [`PeriodError`].
pub async fn preview_purchase(
    db: &impl ConnectionTrait,
    zone: Tz,
    user_id: &UserId,
    offer: &Offer,
    now: DateTime<Utc>,
) -> Result<Option<Slot>, PeriodError> {
    let periods = match find(db, user_id).await? {
        Some(subscription) => live_periods(db, subscription.id).await?,
        None => Vec::new(),
    };
    let bought = Purchase {
        id: PeriodId::new(),
        order_id: offer.order_id.clone(),
        plan_id: offer.plan_id,
        amount: offer.amount,
        months: offer.months,
        at: now,
    };
    let order_id = bought.order_id.clone();
    let purchases: Vec<Purchase> = periods.iter().map(purchase).chain([bought]).collect();
    Ok(schedule(&purchases, zone)?.into_iter().find(|slot| slot.order_id == order_id))
}

/// What would be left of the subscription of `user_id` at `now` without what `order_id` paid for; none when nothing
/// would be.
///
/// # Errors
/// [`PeriodError`].
pub async fn preview_refund(
    db: &impl ConnectionTrait,
    zone: Tz,
    user_id: &UserId,
    order_id: &OrderId,
    now: DateTime<Utc>,
) -> Result<Option<State>, PeriodError> {
    let Some(subscription) = find(db, user_id).await? else { return Ok(None) };
    let periods = live_periods(db, subscription.id).await?;
    let others = periods.iter().filter(|period| &period.order_id != order_id).map(purchase);
    let slots = schedule(&others.collect::<Vec<_>>(), zone)?;
    Ok(State::at(&slots, now))
}

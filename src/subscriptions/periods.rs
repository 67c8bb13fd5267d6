//! Appends and takes back paid periods, inside the transaction that records why.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use entity::subscription::SubscriptionStatus;
use entity::{
    OrderId, PeriodId, SubscriptionId, UserId, customer, payment, subscription, subscription_period,
};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    QuerySelect,
};

use super::schedule::{BeyondCalendar, Purchase, Slot, schedule};
use super::state::State;

/// How far ahead time can be bought: a century.
const FURTHEST: Duration = Duration::days(36_525);

/// Why periods cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum PeriodError {
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
    /// The user has paid for more time than a calendar holds.
    #[error(transparent)]
    Beyond(#[from] BeyondCalendar),
    /// It would reach further ahead than anybody could be served.
    #[error("the user has paid for more than a century ahead")]
    TooFar,
    /// The order is of a plan that sells no time.
    #[error("order {0} buys no time")]
    SellsNoTime(OrderId),
}

/// Gives the buyer of `payment` the time that it buys, from `approved_at` or from where their time ends.
///
/// # Errors
/// [`PeriodError`]; nothing is kept then.
pub async fn append(
    tx: &DatabaseTransaction,
    zone: Tz,
    payment: &payment::Model,
    approved_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), PeriodError> {
    let months = payment.interval_months.and_then(|months| u32::try_from(months).ok());
    let Some(months) = months else { return Err(PeriodError::SellsNoTime(payment.order_id.clone())) };
    lock_user(tx, &payment.user_id).await?;
    let existing = find(tx, &payment.user_id).await?;
    // A deposit that was taken back and made again pays for the same period again.
    let (periods, earlier) = match &existing {
        Some(subscription) => {
            let same = subscription_period::Column::OrderId.eq(payment.order_id.clone());
            let earlier = subscription_period::Entity::find().filter(same).one(tx).await?;
            (live_periods(tx, subscription.id).await?, earlier)
        }
        None => (Vec::new(), None),
    };
    let bought = Purchase {
        id: earlier.as_ref().map_or_else(PeriodId::new, |period| period.id),
        order_id: payment.order_id.clone(),
        plan_id: payment.plan_id,
        amount: payment.amount,
        months,
        at: approved_at,
    };
    let purchases: Vec<Purchase> = periods.iter().map(purchase).chain([bought.clone()]).collect();
    let slots = schedule(&purchases, zone)?;
    if slots.iter().any(|slot| slot.ends_at > approved_at + FURTHEST) {
        return Err(PeriodError::TooFar);
    }
    let subscription_id = keep_state(tx, existing, &payment.user_id, &slots, now).await?;
    move_slots(tx, &periods, &slots).await?;
    if let Some(slot) = slots.iter().find(|slot| slot.id == bought.id) {
        let period = new_period(&bought, slot, subscription_id, &periods, now);
        if earlier.is_some() {
            period.update(tx).await.map(drop)?;
        } else {
            subscription_period::Entity::insert(period).exec_without_returning(tx).await?;
        }
    }
    Ok(())
}

/// Takes back the period that `order_id` paid for; the others lie as if it had never been bought.
///
/// # Errors
/// [`PeriodError`]; nothing is kept then.
pub async fn revoke(
    tx: &DatabaseTransaction,
    zone: Tz,
    user_id: &UserId,
    order_id: &OrderId,
    now: DateTime<Utc>,
) -> Result<(), PeriodError> {
    lock_user(tx, user_id).await?;
    let Some(subscription) = find(tx, user_id).await? else { return Ok(()) };
    let mut periods = live_periods(tx, subscription.id).await?;
    let Some(index) = periods.iter().position(|period| &period.order_id == order_id) else { return Ok(()) };
    let revoked = periods.remove(index);
    let revoke = subscription_period::ActiveModel {
        id: Set(revoked.id),
        revoked_at: Set(Some(now)),
        ..Default::default()
    };
    revoke.update(tx).await?;
    let slots = schedule(&periods.iter().map(purchase).collect::<Vec<_>>(), zone)?;
    move_slots(tx, &periods, &slots).await?;
    if slots.is_empty() {
        return Ok(cancel(tx, subscription, now).await?);
    }
    keep_state(tx, Some(subscription), user_id, &slots, now).await?;
    Ok(())
}

/// One user's changes happen one after another; those of different users never wait for each other. New orders of the
/// user, which only refer to the row, do not wait either.
async fn lock_user(tx: &DatabaseTransaction, user_id: &UserId) -> Result<(), DbErr> {
    customer::Entity::find_by_id(user_id.clone()).lock(LockType::NoKeyUpdate).one(tx).await.map(drop)
}

pub(super) async fn find(
    tx: &impl ConnectionTrait,
    user_id: &UserId,
) -> Result<Option<subscription::Model>, DbErr> {
    subscription::Entity::find().filter(subscription::Column::UserId.eq(user_id.clone())).one(tx).await
}

pub(super) async fn live_periods(
    tx: &impl ConnectionTrait,
    subscription_id: SubscriptionId,
) -> Result<Vec<subscription_period::Model>, DbErr> {
    subscription_period::Entity::find()
        .filter(subscription_period::Column::SubscriptionId.eq(subscription_id))
        .filter(subscription_period::Column::RevokedAt.is_null())
        .all(tx)
        .await
}

pub(super) fn purchase(period: &subscription_period::Model) -> Purchase {
    Purchase {
        id: period.id,
        order_id: period.order_id.clone(),
        plan_id: period.plan_id,
        amount: period.amount,
        // The table's CHECK keeps it between 1 and 120.
        months: period.interval_months.unsigned_abs(),
        at: period.purchased_at,
    }
}

fn new_period(
    bought: &Purchase,
    slot: &Slot,
    subscription_id: SubscriptionId,
    others: &[subscription_period::Model],
    now: DateTime<Utc>,
) -> subscription_period::ActiveModel {
    let left =
        |other: &subscription_period::Model| other.purchased_at <= bought.at && bought.at <= other.ends_at;
    subscription_period::ActiveModel {
        id: Set(bought.id),
        subscription_id: Set(subscription_id),
        order_id: Set(bought.order_id.clone()),
        plan_id: Set(bought.plan_id),
        amount: Set(bought.amount),
        interval_months: Set(bought.months.cast_signed()),
        purchased_at: Set(bought.at),
        starts_at: Set(slot.starts_at),
        ends_at: Set(slot.ends_at),
        revoked_at: Set(None),
        renews: Set(others.iter().any(left)),
        created_at: Set(now),
    }
}

/// Writes the new place of every period that moved.
async fn move_slots(
    tx: &DatabaseTransaction,
    periods: &[subscription_period::Model],
    slots: &[Slot],
) -> Result<(), DbErr> {
    for period in periods {
        let moved = slots.iter().find(|slot| {
            slot.id == period.id && (slot.starts_at, slot.ends_at) != (period.starts_at, period.ends_at)
        });
        if let Some(slot) = moved {
            let row = subscription_period::ActiveModel {
                id: Set(period.id),
                starts_at: Set(slot.starts_at),
                ends_at: Set(slot.ends_at),
                ..Default::default()
            };
            row.update(tx).await?;
        }
    }
    Ok(())
}

/// Writes what `slots`, which are not empty, mean for the subscription's row.
async fn keep_state(
    tx: &DatabaseTransaction,
    existing: Option<subscription::Model>,
    user_id: &UserId,
    slots: &[Slot],
    now: DateTime<Utc>,
) -> Result<SubscriptionId, DbErr> {
    let Some(state) = State::at(slots, now) else {
        return Err(DbErr::Custom("a subscription without periods has no state".to_owned()));
    };
    let id = existing.as_ref().map_or_else(SubscriptionId::new, |subscription| subscription.id);
    let row = subscription::ActiveModel {
        id: Set(id),
        user_id: Set(user_id.clone()),
        plan_id: Set(state.plan_id),
        status: Set(state.status),
        is_active: Set(state.status == SubscriptionStatus::Active),
        start_date: Set(state.start_date),
        end_date: Set(state.end_date),
        changes_at: Set(state.changes_at),
        created_at: Set(existing.as_ref().map_or(now, |subscription| subscription.created_at)),
        updated_at: Set(now),
    };
    if existing.is_some() {
        row.update(tx).await.map(drop)?;
    } else {
        subscription::Entity::insert(row).exec_without_returning(tx).await?;
    }
    Ok(id)
}

/// Nothing is left that was paid for: it ended when the last refund took it back.
async fn cancel(
    tx: &DatabaseTransaction,
    subscription: subscription::Model,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = subscription::ActiveModel {
        id: Set(subscription.id),
        status: Set(SubscriptionStatus::Canceled),
        is_active: Set(false),
        end_date: Set(now.max(subscription.start_date)),
        changes_at: Set(None),
        updated_at: Set(now),
        ..Default::default()
    };
    row.update(tx).await.map(drop)
}

//! Appends and takes back paid periods, inside the transaction that records why.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use entity::subscription::SubscriptionStatus;
use entity::{
    OrderId, PaymentEventId, PeriodId, SubscriptionId, UserId, customer, payment, plan, subscription,
    subscription_period,
};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    QuerySelect, Statement, Value,
};

use super::kept;
use super::read::Held;
use super::schedule::{BeyondCalendar, Purchase, Slot, schedule};
use super::state::State;
use crate::db::{Tx, Writes, columns, columns_without, joined};

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

/// What a user's paid time is before more is appended, and the last move of the payment that buys it. The user must be
/// locked by then, in an earlier statement: this one sees what those before it in the queue have left.
#[derive(Debug)]
pub(crate) struct Extendable {
    /// The payment's last move.
    pub(crate) last_move: Option<PaymentEventId>,
    subscription: Option<subscription::Model>,
    /// The periods that no refund took back.
    periods: Vec<subscription_period::Model>,
    /// What the same order has paid for before: a deposit that was taken back and made again pays for the same period again.
    earlier: Option<subscription_period::Model>,
    plans: Vec<Arc<plan::Model>>,
}

/// Reads what `payment` will extend.
pub(crate) async fn extendable(tx: &Tx, payment: &payment::Model) -> Result<Extendable, DbErr> {
    let values: [Value; 2] = [payment.order_id.clone().into(), payment.user_id.clone().into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), EXTENDABLE.as_str(), values);
    let rows = tx.query_all_raw(statement).await?;
    let mut found = Extendable {
        last_move: rows.first().map(|row| row.try_get("", "last_move")).transpose()?.flatten(),
        subscription: None,
        periods: Vec::new(),
        earlier: None,
        plans: Vec::new(),
    };
    for row in &rows {
        found.subscription = joined(row, "s_")?;
        if let Some(plan) = joined::<plan::Model>(row, "l_")? {
            know(&mut found.plans, plan);
        }
        let Some(period) = joined::<subscription_period::Model>(row, "p_")? else { continue };
        if period.order_id == payment.order_id {
            found.earlier = Some(period.clone());
        }
        if period.revoked_at.is_none() {
            found.periods.push(period);
        }
    }
    Ok(found)
}

fn know(plans: &mut Vec<Arc<plan::Model>>, plan: plan::Model) {
    if plans.iter().all(|known| known.id != plan.id) {
        plans.push(Arc::new(plan));
    }
}

static EXTENDABLE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT o.last_move AS last_move, {}, {}, {}
        FROM (SELECT MAX(e.id) AS last_move FROM payment_event e WHERE e.order_id = $1) o
        LEFT JOIN subscription s ON s.user_id = $2
        LEFT JOIN subscription_period p ON p.subscription_id = s.id AND (p.revoked_at IS NULL OR p.order_id = $1)
        LEFT JOIN plan l ON l.id = COALESCE(p.plan_id, s.plan_id)",
        columns_without("s", &[subscription::Column::Periods]),
        columns::<subscription_period::Entity>("p"),
        columns::<plan::Entity>("l"),
    )
});

/// Adds to `writes` what gives the buyer of `payment` the time that it buys of `plan`, from `approved_at` or from where
/// their time ends. Returns what they hold then.
///
/// # Errors
/// [`PeriodError`]; nothing may be kept then.
pub(crate) fn append(
    writes: &mut Writes,
    zone: Tz,
    (payment, plan): (&payment::Model, &plan::Model),
    found: Extendable,
    (approved_at, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Held, PeriodError> {
    let Extendable { subscription, periods, earlier, mut plans, last_move: _ } = found;
    let months = payment.interval_months.and_then(|months| u32::try_from(months).ok());
    let Some(months) = months else { return Err(PeriodError::SellsNoTime(payment.order_id.clone())) };
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
    let row = add_state(writes, subscription, &payment.user_id, &slots, now)?;
    for moved in moved(&periods, &slots) {
        writes.add(subscription_period::Entity::update(moved).validate()?);
    }
    if let Some(slot) = slots.iter().find(|slot| slot.order_id == bought.order_id) {
        let period = new_period(&bought, slot, row.id, &periods, now);
        let all = period.into_active_model().reset_all();
        match earlier {
            Some(_) => writes.add(subscription_period::Entity::update(all).validate()?),
            None => writes.add(subscription_period::Entity::insert(all)),
        };
    }
    know(&mut plans, plan.clone());
    Ok(Held { row, periods: slots, plans })
}

/// Takes back the period that `order_id` paid for; the others lie as if it had never been bought.
///
/// # Errors
/// [`PeriodError`]; nothing is kept then.
pub async fn revoke(
    tx: &Tx,
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
    let mut writes = Writes::default();
    writes.add(subscription_period::Entity::update(revoke).validate()?);
    let slots = schedule(&periods.iter().map(purchase).collect::<Vec<_>>(), zone)?;
    for moved in moved(&periods, &slots) {
        writes.add(subscription_period::Entity::update(moved).validate()?);
    }
    if slots.is_empty() {
        writes.add(subscription::Entity::update(canceled(&subscription, now)).validate()?);
    } else {
        add_state(&mut writes, Some(subscription), user_id, &slots, now)?;
    }
    writes.run(tx).await?;
    Ok(())
}

/// See `payments::moves::lock_with_buyer`.
async fn lock_user(tx: &Tx, user_id: &UserId) -> Result<(), DbErr> {
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
) -> subscription_period::Model {
    let left =
        |other: &subscription_period::Model| other.purchased_at <= bought.at && bought.at <= other.ends_at;
    subscription_period::Model {
        id: bought.id,
        subscription_id,
        order_id: bought.order_id.clone(),
        plan_id: bought.plan_id,
        amount: bought.amount,
        interval_months: bought.months.cast_signed(),
        purchased_at: bought.at,
        starts_at: slot.starts_at,
        ends_at: slot.ends_at,
        revoked_at: None,
        renews: others.iter().any(left),
        created_at: now,
    }
}

/// The new place of every period that moves.
fn moved(
    periods: &[subscription_period::Model],
    slots: &[Slot],
) -> impl Iterator<Item = subscription_period::ActiveModel> {
    periods.iter().filter_map(|period| {
        let slot = slots.iter().find(|slot| {
            slot.order_id == period.order_id
                && (slot.starts_at, slot.ends_at) != (period.starts_at, period.ends_at)
        })?;
        Some(subscription_period::ActiveModel {
            id: Set(period.id),
            starts_at: Set(slot.starts_at),
            ends_at: Set(slot.ends_at),
            ..Default::default()
        })
    })
}

/// Adds to `writes` what `slots`, which are not empty, mean for the subscription's row, and returns that.
fn add_state(
    writes: &mut Writes,
    existing: Option<subscription::Model>,
    user_id: &UserId,
    slots: &[Slot],
    now: DateTime<Utc>,
) -> Result<subscription::Model, DbErr> {
    let Some(state) = State::at(slots, now) else {
        return Err(DbErr::Custom("a subscription without periods has no state".to_owned()));
    };
    let row = subscription::Model {
        id: existing.as_ref().map_or_else(SubscriptionId::new, |subscription| subscription.id),
        user_id: user_id.clone(),
        plan_id: state.plan_id,
        status: state.status,
        is_active: state.status == SubscriptionStatus::Active,
        start_date: state.start_date,
        end_date: state.end_date,
        changes_at: state.changes_at,
        created_at: existing.as_ref().map_or(now, |subscription| subscription.created_at),
        updated_at: now,
        periods: kept::written(slots),
        periods_as_of: Some(now),
    };
    match existing {
        // In full, also where it seems unchanged: the nightly job may be changing it now, and this waits for that.
        Some(_) => {
            let all = row.clone().into_active_model().reset_all();
            writes.add(subscription::Entity::update(all).validate()?);
        }
        None => {
            writes.add(subscription::Entity::insert(row.clone().into_active_model().reset_all()));
        }
    }
    Ok(row)
}

/// Nothing is left that was paid for: it ended when the last refund took it back.
fn canceled(subscription: &subscription::Model, now: DateTime<Utc>) -> subscription::ActiveModel {
    subscription::ActiveModel {
        id: Set(subscription.id),
        status: Set(SubscriptionStatus::Canceled),
        is_active: Set(false),
        end_date: Set(now.max(subscription.start_date)),
        changes_at: Set(None),
        updated_at: Set(now),
        periods: Set(kept::written(&[])),
        periods_as_of: Set(Some(now)),
        ..Default::default()
    }
}

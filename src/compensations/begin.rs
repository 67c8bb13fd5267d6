//! Writes down that an approval is to be undone, before Toss is asked for it.

use chrono::{DateTime, Utc};
use entity::refund::RefundStatus;
use entity::{IdempotencyKey, OrderId, PaymentKey, Won, compensation, payment};
use sea_orm::sea_query::OnConflict;
use sea_orm::{DbErr, EntityTrait, IntoActiveModel};

use super::settle::OpenCompensations;
use crate::app::App;
use crate::db::{Tx, transact};
use crate::due;
use crate::toss;

/// Sees to an attempt that an earlier one has displaced while its own outcome was open: if money came in by it as well, it
/// is given back.
///
/// # Errors
/// The database's own.
pub(crate) async fn displaced(
    tx: &Tx,
    payment: &payment::Model,
    payment_key: PaymentKey,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let why = "an earlier attempt of the order was approved while this one was open";
    insert(tx, &row(payment_key, &payment.order_id, payment.amount, why, now)).await.map(drop)
}

/// Begins to undo the approval that `truth` shows. A second call for the same approval changes nothing.
///
/// # Errors
/// The database's own; whoever sees the approval next tries again.
pub(crate) async fn begin(
    app: &App,
    order_id: &OrderId,
    truth: &toss::Payment,
    why: &str,
) -> Result<(), DbErr> {
    let amount = Won::new(truth.balance_amount).filter(|amount| !amount.is_zero());
    let key = truth.payment_key.parse::<PaymentKey>().ok();
    // Without money nothing is left to undo.
    let (Some(amount), Some(payment_key)) = (amount, key) else { return Ok(()) };
    let now = app.clock.now();
    let row = row(payment_key.clone(), order_id, amount, why, now);
    let begun = transact!(app.db, |tx| { insert(tx, &row).await })?;
    if begun == 1 {
        tracing::warn!(%order_id, %amount, why, "an approval cannot be honoured and is being cancelled");
        due::follow_up::<OpenCompensations>(app, payment_key);
    }
    Ok(())
}

fn row(
    payment_key: PaymentKey,
    order_id: &OrderId,
    amount: Won,
    why: &str,
    now: DateTime<Utc>,
) -> compensation::Model {
    compensation::Model {
        payment_key,
        order_id: order_id.clone(),
        amount,
        reason: why.to_owned(),
        status: RefundStatus::Pending,
        idempotency_key: IdempotencyKey::random(),
        failure_code: None,
        failure_message: None,
        next_settle_at: Some(now),
        settle_tries: 0,
        created_at: now,
        finished_at: None,
    }
}

async fn insert(tx: &Tx, row: &compensation::Model) -> Result<u64, DbErr> {
    compensation::Entity::insert(row.clone().into_active_model())
        .on_conflict(OnConflict::column(compensation::Column::PaymentKey).do_nothing().to_owned())
        .exec_without_returning(tx)
        .await
}

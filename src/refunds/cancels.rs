//! Enters the cancels that Toss shows into the books: ours, and those that staff made at Toss.

use chrono::Duration;
use chrono_tz::Tz;
use entity::payment::PaymentStatus;
use entity::refund::RefundStatus;
use entity::{OrderId, RefundId, Won, WonChange, payment, refund};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter};

use crate::db::Tx;
use crate::payments::apply::{ApplyError, Difference, Heard};
use crate::payments::moves::{self, Reason};
use crate::toss::{self, CancelEntry, Status};
use crate::{event_amounts, subscriptions};

/// How far Toss's clock may be behind ours.
const CLOCKS_DIFFER_BY: Duration = Duration::minutes(10);

/// Enters every cancel that the books do not have yet. An old truth, which lacks cancels that they have, adds nothing.
/// Returns whether `truth` shows any at all.
///
/// # Errors
/// [`ApplyError`]; nothing is kept then.
pub async fn apply_cancels(
    tx: &Tx,
    zone: Tz,
    payment: &mut payment::Model,
    truth: &toss::Payment,
    heard: Heard,
) -> Result<bool, ApplyError> {
    if truth.done_cancels().next().is_none() {
        return Ok(false);
    }
    let known =
        refund::Entity::find().filter(refund::Column::OrderId.eq(payment.order_id.clone())).all(tx).await?;
    let mut pending = known.iter().find(|refund| refund.status == RefundStatus::Pending);
    for cancel in truth.done_cancels() {
        if known.iter().any(|refund| refund.transaction_key.as_ref() == Some(&cancel.transaction_key)) {
            continue;
        }
        let amount = Won::new(cancel.cancel_amount).filter(|amount| !amount.is_zero());
        let balance = amount.and_then(|amount| payment.balance_amount.checked_sub(amount));
        let (Some(amount), Some(balance)) = (amount, balance) else {
            return Err(ApplyError::Differs(Difference::Cancel));
        };
        // A cancel that staff made before ours was asked for is not ours, even of the same amount.
        let before = |refund: &refund::Model| {
            cancel.canceled_at.is_some_and(|at| at < refund.created_at - CLOCKS_DIFFER_BY)
        };
        let ours = pending.take_if(|refund| refund.amount == amount && !before(refund));
        keep_refund(tx, payment, ours, cancel, amount, heard).await?;
        let whole = truth.status == Status::Canceled && balance.is_zero();
        let status = if whole { PaymentStatus::Canceled } else { PaymentStatus::PartialCanceled };
        let reason = Reason { cause: heard.cause, failure: None, now: heard.now };
        let moved = moves::record(tx, payment, (status, balance), reason).await?;
        moves::save(tx, payment).await?;
        if payment.interval_months.is_none() {
            event_amounts::enter(tx, &payment.order_id, moved, WonChange::minus(amount), heard.now).await?;
        } else if balance.is_zero() {
            subscriptions::revoke(tx, zone, &payment.user_id, &payment.order_id, heard.now).await?;
        }
    }
    // What was done of it is among the cancels, and more than what is left can no longer be.
    if let Some(refund) = pending.filter(|refund| refund.amount > payment.balance_amount) {
        free(tx, refund, "NOT_CANCELABLE_AMOUNT", "남은 금액이 환불할 금액보다 적습니다.").await?;
    }
    Ok(true)
}

/// Finishes the refund that asked for this cancel, or writes one for a cancel that nobody asked us for.
async fn keep_refund(
    tx: &Tx,
    payment: &payment::Model,
    ours: Option<&refund::Model>,
    cancel: &CancelEntry,
    amount: Won,
    heard: Heard,
) -> Result<(), DbErr> {
    let refunded_at = cancel.canceled_at.unwrap_or(heard.now);
    let Some(pending) = ours else {
        let told = cancel.cancel_reason.as_deref().unwrap_or_default();
        let reason = if payment.user_id.is_erased() { super::ERASED_REASON } else { told };
        let reason: String =
            if reason.is_empty() { "-".to_owned() } else { reason.chars().take(200).collect() };
        let row = refund::ActiveModel {
            id: Set(RefundId::new()),
            order_id: Set(payment.order_id.clone()),
            amount: Set(amount),
            reason: Set(reason),
            status: Set(RefundStatus::Done),
            transaction_key: Set(Some(cancel.transaction_key.clone())),
            failure_code: Set(None),
            failure_message: Set(None),
            receive_account: Set(None),
            expected_balance: Set(payment.balance_amount),
            idempotency_key: Set(None),
            next_settle_at: Set(None),
            settle_tries: Set(0),
            created_at: Set(heard.now),
            refunded_at: Set(Some(refunded_at)),
        };
        return row.insert(tx).await.map(drop);
    };
    let mut row = pending.clone().into_active_model();
    row.status = Set(RefundStatus::Done);
    row.receive_account = Set(None);
    row.transaction_key = Set(Some(cancel.transaction_key.clone()));
    row.next_settle_at = Set(None);
    row.refunded_at = Set(Some(refunded_at));
    row.update(tx).await.map(drop)
}

/// Frees the refund that waits for money which the bank took back.
///
/// # Errors
/// The database's own.
pub async fn nothing_to_give_back(tx: &Tx, order_id: &OrderId) -> Result<(), DbErr> {
    let pending = refund::Entity::find()
        .filter(refund::Column::OrderId.eq(order_id.clone()))
        .filter(refund::Column::Status.eq(RefundStatus::Pending));
    let Some(pending) = pending.one(tx).await? else { return Ok(()) };
    free(tx, &pending, "DEPOSIT_REVERSED", "입금이 취소되어 환불할 금액이 없습니다.").await
}

/// Ends a refund that waits for its outcome and cannot come any more.
async fn free(tx: &Tx, pending: &refund::Model, code: &str, message: &str) -> Result<(), DbErr> {
    let mut row = pending.clone().into_active_model();
    row.status = Set(RefundStatus::Failed);
    row.receive_account = Set(None);
    row.failure_code = Set(Some(code.to_owned()));
    row.failure_message = Set(Some(message.to_owned()));
    row.next_settle_at = Set(None);
    row.update(tx).await.map(drop)
}

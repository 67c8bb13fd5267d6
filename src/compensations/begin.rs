//! Writes down that an approval is to be undone, before Toss is asked for it.

use entity::refund::RefundStatus;
use entity::{IdempotencyKey, OrderId, PaymentKey, Won, compensation};
use sea_orm::sea_query::OnConflict;
use sea_orm::{DbErr, EntityTrait, IntoActiveModel};

use super::settle::OpenCompensations;
use crate::app::App;
use crate::db::transact;
use crate::due;
use crate::toss;

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
    let row = compensation::Model {
        payment_key: payment_key.clone(),
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
    };
    let begun = transact!(app.db, |tx| {
        compensation::Entity::insert(row.clone().into_active_model())
            .on_conflict(OnConflict::column(compensation::Column::PaymentKey).do_nothing().to_owned())
            .exec_without_returning(tx)
            .await
    })?;
    if begun == 1 {
        tracing::warn!(%order_id, %amount, why, "an approval cannot be honoured and is being cancelled");
        due::follow_up::<OpenCompensations>(app, payment_key);
    }
    Ok(())
}

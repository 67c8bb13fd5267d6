//! Takes up again what Toss has refused to cancel: a person has seen to it, or wants another try.

use entity::refund::RefundStatus;
use entity::{IdempotencyKey, OrderId, PaymentKey, compensation};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter};

use crate::app::App;
use crate::db::transact;

/// Makes every failed compensation of `order_id` due again, and returns those that are open by now.
///
/// # Errors
/// The database's own.
pub(crate) async fn reopen(app: &App, order_id: &OrderId) -> Result<Vec<PaymentKey>, DbErr> {
    let of_order = || {
        compensation::Entity::find()
            .filter(compensation::Column::OrderId.eq(order_id.clone()))
            .filter(compensation::Column::Status.ne(RefundStatus::Done))
    };
    let known = of_order().all(app.db.read()).await?;
    if known.iter().any(|row| row.status == RefundStatus::Failed) {
        let now = app.clock.now();
        transact!(app.db, |tx| {
            for failed in
                of_order().filter(compensation::Column::Status.eq(RefundStatus::Failed)).all(tx).await?
            {
                let mut row = failed.into_active_model();
                row.status = Set(RefundStatus::Pending);
                // Toss repeats its no to the old key.
                row.idempotency_key = Set(IdempotencyKey::random());
                (row.failure_code, row.failure_message) = (Set(None), Set(None));
                (row.next_settle_at, row.finished_at) = (Set(Some(now)), Set(None));
                row.settle_tries = Set(0);
                row.update(tx).await?;
            }
            Ok::<_, DbErr>(())
        })?;
    }
    Ok(known.into_iter().map(|row| row.payment_key).collect())
}

//! Adds an entry, inside the transaction that moves the payment.

use chrono::{DateTime, Utc};
use entity::{EventAmountId, OrderId, PaymentEventId, WonChange, event_amount};
use sea_orm::ActiveValue::Set;
use sea_orm::{DbErr, EntityTrait};

use crate::db::{Tx, Writes};

/// Changes the total by `amount` because of the move `payment_event_id`, which can count only once.
///
/// # Errors
/// The database's own; a second entry for the same move is refused by a unique key.
pub async fn enter(
    tx: &Tx,
    order_id: &OrderId,
    payment_event_id: PaymentEventId,
    amount: WonChange,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let mut writes = Writes::default();
    add(&mut writes, order_id, payment_event_id, amount, now);
    writes.run(tx).await.map(drop)
}

/// Adds [the entry](enter) to `writes`.
pub(crate) fn add(
    writes: &mut Writes,
    order_id: &OrderId,
    payment_event_id: PaymentEventId,
    amount: WonChange,
    now: DateTime<Utc>,
) {
    writes.add(event_amount::Entity::insert(event_amount::ActiveModel {
        id: Set(EventAmountId::new()),
        order_id: Set(order_id.clone()),
        payment_event_id: Set(payment_event_id),
        amount: Set(amount),
        created_at: Set(now),
    }));
}

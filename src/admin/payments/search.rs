//! Finds what somebody has in hand: an order id, a payment key or a user id.

use entity::{OrderId, PaymentKey, UserId};
use sea_orm::{ConnectionTrait, DbErr};

use crate::payments;

/// What a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// This payment.
    Payment(String),
    /// Perhaps a user; a list tells.
    User(UserId),
    /// Nothing that we could hold.
    Nothing,
}

/// What `text` names.
///
/// # Errors
/// The database's own.
pub(super) async fn search(db: &impl ConnectionTrait, text: &str) -> Result<Found, DbErr> {
    if let Ok(order_id) = text.parse::<OrderId>()
        && payments::find(db, &order_id, None).await?.is_some()
    {
        return Ok(Found::Payment(order_id.to_string()));
    }
    if let Ok(payment_key) = text.parse::<PaymentKey>()
        && let Some(payment) = payments::find_by_key(db, &payment_key).await?
    {
        return Ok(Found::Payment(payment.order_id.to_string()));
    }
    Ok(text.parse().map_or(Found::Nothing, Found::User))
}

//! Finds what somebody has in hand: an order id, a payment key or a user id.

use entity::{OrderId, PaymentKey, UserId};
use sea_orm::{ConnectionTrait, DbErr, Statement};

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
        && let Some(order_id) = order_of(db, &payment_key).await?
    {
        return Ok(Found::Payment(order_id));
    }
    Ok(text.parse().map_or(Found::Nothing, Found::User))
}

/// The order that was, or was to be, paid with `payment_key`. States are said in SQL, since no partial index answers
/// what is only bound.
async fn order_of(db: &impl ConnectionTrait, payment_key: &PaymentKey) -> Result<Option<String>, DbErr> {
    let sql = "
        SELECT order_id FROM payment WHERE payment_key = $1 AND status NOT IN ('ABORTED', 'EXPIRED')
        UNION ALL
        SELECT order_id FROM payment_event WHERE payment_key = $1 AND to_status IN ('ABORTED', 'EXPIRED')
        LIMIT 1";
    let values = [payment_key.as_str().into()];
    let row =
        db.query_one_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    row.map(|row| row.try_get("", "order_id")).transpose()
}

//! Reads a quoted order.

use entity::{CustomerKey, OrderId, UserId, customer, temp_order};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait};

/// A quoted order and its user's name at Toss.
#[derive(Clone, Debug)]
pub struct Quoted {
    /// The order.
    pub order: temp_order::Model,
    /// What the payment window is opened with.
    pub customer_key: CustomerKey,
}

/// The order `order_id`, if it is `owner`'s; none as owner reads anybody's.
///
/// # Errors
/// The database's own.
pub async fn find(
    db: &impl ConnectionTrait,
    order_id: &OrderId,
    owner: Option<&UserId>,
) -> Result<Option<Quoted>, DbErr> {
    let found = temp_order::Entity::find_by_id(order_id.clone()).one(db).await?;
    let Some(order) = found.filter(|order| owner.is_none_or(|owner| owner == &order.user_id)) else {
        return Ok(None);
    };
    let customer = customer::Entity::find_by_id(order.user_id.clone()).one(db).await?;
    Ok(customer.map(|customer| Quoted { order, customer_key: customer.customer_key }))
}

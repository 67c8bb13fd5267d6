//! All that we know of one order, read at once and bounded.

use entity::{
    OrderId, compensation, event_amount, finding, payment_event, refund, subscription_period, temp_order,
    webhook,
};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Rows of one kind that are shown at most; no order has nearly as many.
const MOST: u64 = 200;

/// What happened to an order, by where it is written.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) quote: Option<temp_order::Model>,
    pub(super) moves: Vec<payment_event::Model>,
    pub(super) refunds: Vec<refund::Model>,
    pub(super) periods: Vec<subscription_period::Model>,
    pub(super) entries: Vec<event_amount::Model>,
    pub(super) compensations: Vec<compensation::Model>,
    pub(super) findings: Vec<finding::Model>,
    pub(super) webhooks: Vec<webhook::Model>,
}

/// Reads what is known of `order_id`.
///
/// # Errors
/// The database's own.
pub(super) async fn told(db: &impl ConnectionTrait, order_id: &OrderId) -> Result<Told, DbErr> {
    let id = || order_id.clone();
    let text = order_id.as_str();
    Ok(Told {
        quote: temp_order::Entity::find_by_id(id()).one(db).await?,
        moves: payment_event::Entity::find()
            .filter(payment_event::Column::OrderId.eq(id()))
            .order_by_asc(payment_event::Column::Id)
            .limit(MOST)
            .all(db)
            .await?,
        refunds: refund::Entity::find()
            .filter(refund::Column::OrderId.eq(id()))
            .order_by_asc(refund::Column::CreatedAt)
            .limit(MOST)
            .all(db)
            .await?,
        periods: subscription_period::Entity::find()
            .filter(subscription_period::Column::OrderId.eq(id()))
            .limit(MOST)
            .all(db)
            .await?,
        entries: event_amount::Entity::find()
            .filter(event_amount::Column::OrderId.eq(id()))
            .limit(MOST)
            .all(db)
            .await?,
        compensations: compensation::Entity::find()
            .filter(compensation::Column::OrderId.eq(id()))
            .limit(MOST)
            .all(db)
            .await?,
        findings: finding::Entity::find()
            .filter(finding::Column::OrderId.eq(text))
            .limit(MOST)
            .all(db)
            .await?,
        webhooks: webhook::Entity::find()
            .filter(webhook::Column::OrderId.eq(text))
            .order_by_asc(webhook::Column::ReceivedAt)
            .limit(MOST)
            .all(db)
            .await?,
    })
}

//! Reads refunds.

use chrono::{DateTime, Utc};
use entity::refund::RefundStatus;
use entity::{OrderId, UserId, payment, refund};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

use crate::http::page::{Page, PageRequest, page_of};

/// Which refunds are wanted; none of a field wants any.
#[derive(Clone, Debug, Default)]
pub struct RefundFilter {
    /// Those of this order.
    pub order_id: Option<OrderId>,
    /// Those of this user.
    pub user_id: Option<UserId>,
    /// Those that stand like this.
    pub status: Option<RefundStatus>,
    /// Those asked for at or after this instant.
    pub from: Option<DateTime<Utc>>,
    /// Those asked for before this instant.
    pub to: Option<DateTime<Utc>>,
}

/// One page of refunds, newest first.
///
/// # Errors
/// The database's own.
pub async fn list(
    db: &impl ConnectionTrait,
    filter: RefundFilter,
    page: &PageRequest,
) -> Result<Page<refund::Model>, DbErr> {
    use refund::Column;
    let mut query = refund::Entity::find();
    if let Some(order_id) = filter.order_id {
        query = query.filter(Column::OrderId.eq(order_id));
    }
    if let Some(user_id) = filter.user_id {
        let orders = payment::Entity::find()
            .select_only()
            .column(payment::Column::OrderId)
            .filter(payment::Column::UserId.eq(user_id))
            .into_query();
        query = query.filter(Column::OrderId.in_subquery(orders));
    }
    if let Some(status) = filter.status {
        query = query.filter(Column::Status.eq(status));
    }
    if let Some(from) = filter.from {
        query = query.filter(Column::CreatedAt.gte(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(Column::CreatedAt.lt(to));
    }
    let key = |refund: &refund::Model| (refund.created_at, refund.id.to_string());
    page_of(db, query, (Column::CreatedAt, Column::Id), page, key).await
}

/// The refund of `order_id` whose outcome is being found out; there is one at most.
///
/// # Errors
/// The database's own.
pub(crate) async fn pending_of(
    db: &impl ConnectionTrait,
    order_id: &OrderId,
) -> Result<Option<refund::Model>, DbErr> {
    refund::Entity::find()
        .filter(refund::Column::OrderId.eq(order_id.clone()))
        .filter(refund::Column::Status.eq(RefundStatus::Pending))
        .one(db)
        .await
}

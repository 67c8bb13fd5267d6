//! Reads payments.

use chrono::{DateTime, Utc};
use entity::payment::{self, PaymentStatus};
use entity::{OrderId, PaymentKey, PlanId, UserId, compensation, payment_event};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use crate::http::page::{Page, PageRequest, page_of};

/// Which payments are wanted; none of a field wants any.
#[derive(Clone, Debug, Default)]
pub struct PaymentFilter {
    /// Those of this user.
    pub user_id: Option<UserId>,
    /// Those for this plan.
    pub plan_id: Option<PlanId>,
    /// Those that stand like this.
    pub status: Option<PaymentStatus>,
    /// Those made at or after this instant.
    pub from: Option<DateTime<Utc>>,
    /// Those made before this instant.
    pub to: Option<DateTime<Utc>>,
}

/// The payment of `order_id`, if it is `owner`'s; none as owner reads anybody's.
///
/// # Errors
/// The database's own.
pub async fn find(
    db: &impl ConnectionTrait,
    order_id: &OrderId,
    owner: Option<&UserId>,
) -> Result<Option<payment::Model>, DbErr> {
    let found = payment::Entity::find_by_id(order_id.clone()).one(db).await?;
    Ok(found.filter(|payment| owner.is_none_or(|owner| owner == &payment.user_id)))
}

/// The payment for which `key` was offered to Toss, by whichever attempt: one that counts, one that failed, or one that came
/// to nothing because another had been paid.
///
/// # Errors
/// The database's own.
pub async fn find_by_key(
    db: &impl ConnectionTrait,
    key: &PaymentKey,
) -> Result<Option<payment::Model>, DbErr> {
    // Each in an index's own words.
    let counts = payment::Entity::find()
        .filter(payment::Column::PaymentKey.eq(key.clone()))
        .filter(Expr::cust("status NOT IN ('ABORTED', 'EXPIRED')"));
    if let Some(payment) = counts.one(db).await? {
        return Ok(Some(payment));
    }
    let failed = payment_event::Entity::find()
        .filter(payment_event::Column::PaymentKey.eq(key.clone()))
        .filter(payment_event::Column::Code.is_not_null());
    let order_id = match failed.one(db).await? {
        Some(failed) => Some(failed.order_id),
        None => compensation::Entity::find_by_id(key.clone()).one(db).await?.map(|row| row.order_id),
    };
    match order_id {
        Some(order_id) => payment::Entity::find_by_id(order_id).one(db).await,
        None => Ok(None),
    }
}

/// One page of payments, newest first.
///
/// # Errors
/// The database's own.
pub async fn list(
    db: &impl ConnectionTrait,
    filter: PaymentFilter,
    page: &PageRequest,
) -> Result<Page<payment::Model>, DbErr> {
    use payment::Column;
    let mut query = payment::Entity::find();
    if let Some(user_id) = filter.user_id {
        query = query.filter(Column::UserId.eq(user_id));
    }
    if let Some(plan_id) = filter.plan_id {
        query = query.filter(Column::PlanId.eq(plan_id));
    }
    if let Some(status) = filter.status {
        query = query.filter(Column::Status.eq(status));
        if status != PaymentStatus::Done {
            // In the index's own words, which a bound value does not speak.
            query = query.filter(Expr::cust("status <> 'DONE'"));
        }
    }
    if let Some(from) = filter.from {
        query = query.filter(Column::CreatedAt.gte(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(Column::CreatedAt.lt(to));
    }
    let key = |payment: &payment::Model| (payment.created_at, payment.order_id.to_string());
    page_of(db, query, (Column::CreatedAt, Column::OrderId), page, key).await
}

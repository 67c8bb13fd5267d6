//! Our side of the comparison, read in batches.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::payment::PaymentStatus;
use entity::refund::RefundStatus;
use entity::{OrderId, PaymentKey, RefundId, payment, refund};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::window::Window;

/// Rows that are read at once.
pub(super) const BATCH: u64 = 500;

/// A payment of ours with its refunds that have been or may be carried out.
#[derive(Clone, Debug)]
pub(super) struct Ours {
    pub(super) payment: payment::Model,
    pub(super) refunds: Vec<refund::Model>,
}

impl Ours {
    /// What its finished refunds add up to, in won.
    pub(super) fn refunded(&self) -> i64 {
        let done = self.refunds.iter().filter(|refund| refund.status == RefundStatus::Done);
        done.map(|refund| refund.amount.get()).sum()
    }
}

/// What we hold of these orders, by order.
pub(super) async fn of_orders(
    db: &impl ConnectionTrait,
    orders: &HashSet<OrderId>,
) -> Result<HashMap<String, Ours>, DbErr> {
    if orders.is_empty() {
        return Ok(HashMap::new());
    }
    let payments = payment::Entity::find()
        .filter(payment::Column::OrderId.is_in(orders.iter().cloned()))
        .all(db)
        .await?;
    let refunds = refund::Entity::find()
        .filter(refund::Column::OrderId.is_in(orders.iter().cloned()))
        .filter(refund::Column::Status.ne(RefundStatus::Failed))
        .all(db)
        .await?;
    let mut held: HashMap<String, Ours> = payments
        .into_iter()
        .map(|payment| (payment.order_id.to_string(), Ours { payment, refunds: Vec::new() }))
        .collect();
    for refund in refunds {
        if let Some(ours) = held.get_mut(refund.order_id.as_str()) {
            ours.refunds.push(refund);
        }
    }
    Ok(held)
}

/// An approved payment: its order, when, and its key at Toss.
pub(super) type Approved = (OrderId, DateTime<Utc>, Option<PaymentKey>);

/// The next payments approved in `day`, behind `after`.
pub(super) async fn approved(
    db: &impl ConnectionTrait,
    day: Window,
    after: Option<&Approved>,
) -> Result<Vec<Approved>, DbErr> {
    use payment::Column::{ApprovedAt, OrderId, PaymentKey, Status};
    let taken = [PaymentStatus::Done, PaymentStatus::PartialCanceled, PaymentStatus::Canceled];
    let mut query = payment::Entity::find()
        .select_only()
        .columns([OrderId, ApprovedAt, PaymentKey])
        .filter(ApprovedAt.gte(day.from).and(ApprovedAt.lt(day.to)))
        .filter(Status.is_in(taken));
    if let Some((order_id, at, _)) = after {
        query = query.filter(behind((ApprovedAt, *at), (OrderId, order_id)));
    }
    query.order_by_asc(ApprovedAt).order_by_asc(OrderId).limit(BATCH).into_tuple().all(db).await
}

/// A finished refund: itself, when, its order, and its key at Toss.
pub(super) type Refunded = (RefundId, DateTime<Utc>, OrderId, Option<String>);

/// The next refunds carried out in `day`, behind `after`.
pub(super) async fn refunded(
    db: &impl ConnectionTrait,
    day: Window,
    after: Option<&Refunded>,
) -> Result<Vec<Refunded>, DbErr> {
    use refund::Column::{Id, OrderId, RefundedAt, Status, TransactionKey};
    let mut query = refund::Entity::find()
        .select_only()
        .columns([Id, RefundedAt, OrderId, TransactionKey])
        .filter(RefundedAt.gte(day.from).and(RefundedAt.lt(day.to)))
        .filter(Status.eq(RefundStatus::Done));
    if let Some((id, at, ..)) = after {
        query = query.filter(behind((RefundedAt, *at), (Id, id)));
    }
    query.order_by_asc(RefundedAt).order_by_asc(Id).limit(BATCH).into_tuple().all(db).await
}

/// The next payments without an outcome that were attempted in `day`, behind the order `after`.
pub(super) async fn in_progress(
    db: &impl ConnectionTrait,
    day: Window,
    after: Option<&OrderId>,
) -> Result<Vec<payment::Model>, DbErr> {
    use payment::Column::{AttemptedAt, OrderId, Status};
    let mut query = payment::Entity::find()
        .filter(Status.eq(PaymentStatus::InProgress))
        .filter(AttemptedAt.gte(day.from).and(AttemptedAt.lt(day.to)));
    if let Some(order_id) = after {
        query = query.filter(OrderId.gt(order_id.clone()));
    }
    query.order_by_asc(OrderId).limit(BATCH).all(db).await
}

/// The next refunds without an outcome that were asked for in `day`, behind the order `after`, which has only one.
pub(super) async fn pending(
    db: &impl ConnectionTrait,
    day: Window,
    after: Option<&OrderId>,
) -> Result<Vec<refund::Model>, DbErr> {
    use refund::Column::{CreatedAt, OrderId, Status};
    let mut query = refund::Entity::find()
        .filter(Status.eq(RefundStatus::Pending))
        .filter(CreatedAt.gte(day.from).and(CreatedAt.lt(day.to)));
    if let Some(order_id) = after {
        query = query.filter(OrderId.gt(order_id.clone()));
    }
    query.order_by_asc(OrderId).limit(BATCH).all(db).await
}

/// Behind the row of this time and id.
fn behind<C: ColumnTrait>((time, at): (C, DateTime<Utc>), (id, value): (C, &impl ToString)) -> Expr {
    let row = Expr::tuple([Expr::col(time.as_column_ref()), Expr::col(id.as_column_ref())]);
    row.gt(Expr::tuple([Expr::value(at), Expr::value(value.to_string())]))
}

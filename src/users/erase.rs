//! Erases a user: what tells who it was goes, and the books stay, for the law wants records of payments kept.
//!
//! The user's id is replaced by a random one in every table that has it, and so is the key by which Toss knows the
//! customer: Toss is never asked under the old one again. Free texts, accounts, quoted orders and kept answers go. The
//! tables that are only ever added to (`payment_event`, `event_amount`) name no user and hold no words of theirs.

use chrono::{DateTime, Utc};
use entity::payment::PaymentStatus;
use entity::refund::RefundStatus;
use entity::{
    CustomerKey, OrderId, UserId, checkout, compensation, customer, finding, idempotency_key, payment,
    refund, subscription, temp_order, webhook,
};
use sea_orm::sea_query::{Expr, LikeExpr, Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::app::App;
use crate::audit::{self, Act, Action, Actor};
use crate::auth::Principal;
use crate::db::{Tx, transact};
use crate::{check, payments, refunds};

/// Orders under way that a refusal names.
const NAMED: u64 = 5;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// What the user is called in the books from now on.
    pub user_id: UserId,
    /// Payments that stay, under that name.
    pub payments: u64,
    /// Quoted orders that are gone.
    pub temp_orders: u64,
    /// Kept answers to requests that are gone.
    pub answers: u64,
}

/// Why nothing is erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Nobody is called that, or not any more.
    #[error("there is no such user")]
    NoSuchUser,
    /// Money may still move, and whose it is must be known until then.
    #[error("money is under way: {}; wait until it has arrived", .0.join(", "))]
    UnderWay(Vec<String>),
    /// The user has paid for time that is not over.
    #[error("the user's subscription runs until {0}; say --even-if-active to end the user's access to it")]
    Active(DateTime<Utc>),
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Erases the user, in one transaction. A subscription that runs stops nobody when `even_if_active` says so; it goes on
/// under the new name, which nobody can use.
///
/// # Errors
/// [`EraseError`]; nothing is changed then.
pub async fn erase(
    app: &App,
    user_id: &UserId,
    even_if_active: bool,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<Erased, EraseError> {
    transact!(app.db, |tx| {
        // Whoever adds something of the user's waits for this row.
        let found = customer::Entity::find_by_id(user_id.clone()).lock_exclusive().one(tx).await?;
        let before = found.ok_or(EraseError::NoSuchUser)?;
        let open = under_way(tx, user_id).await?;
        if !open.is_empty() {
            return Err(EraseError::UnderWay(open));
        }
        if let Some(until) = runs_until(tx, user_id, now).await?.filter(|_| !even_if_active) {
            return Err(EraseError::Active(until));
        }
        let answers = forget_answers(tx, user_id).await?;
        let temp_orders = forget_orders(tx, user_id).await?;
        forget_words(tx, user_id).await?;
        let after = UserId::erased();
        let payments = rename(tx, &before, &after).await?;
        // Under the new name: the old one is gone from here on.
        audit::write(tx, actor, &Act::new(Action::Erase, &after), now).await?;
        Ok(Erased { user_id: after, payments, temp_orders, answers })
    })
}

/// The user's orders that have come to a payment.
fn orders(user_id: &UserId) -> SelectStatement {
    use payment::Column;
    Query::select()
        .column(Column::OrderId)
        .from(payment::Entity)
        .and_where(Column::UserId.eq(user_id.clone()))
        .to_owned()
}

/// What still moves money, in words.
async fn under_way(tx: &Tx, user_id: &UserId) -> Result<Vec<String>, DbErr> {
    let paying = payment::Entity::find()
        .filter(payment::Column::UserId.eq(user_id.clone()))
        .filter(payment::Column::Status.is_in([PaymentStatus::InProgress, PaymentStatus::WaitingForDeposit]))
        .order_by_asc(payment::Column::OrderId)
        .limit(NAMED)
        .all(tx)
        .await?;
    let words = |row: payment::Model| match row.status {
        PaymentStatus::WaitingForDeposit => format!("order {} waits for its deposit", row.order_id),
        _ => format!("order {} is being paid", row.order_id),
    };
    let mut open: Vec<String> = paying.into_iter().map(words).collect();
    let refunding: Vec<OrderId> = refund::Entity::find()
        .select_only()
        .column(refund::Column::OrderId)
        .filter(refund::Column::OrderId.in_subquery(orders(user_id)))
        .filter(refund::Column::Status.eq(RefundStatus::Pending))
        .limit(NAMED)
        .into_tuple()
        .all(tx)
        .await?;
    open.extend(refunding.into_iter().map(|order| format!("a refund of order {order} is open")));
    let undoing: Vec<OrderId> = compensation::Entity::find()
        .select_only()
        .column(compensation::Column::OrderId)
        .filter(compensation::Column::OrderId.in_subquery(orders(user_id)))
        .filter(compensation::Column::Status.eq(RefundStatus::Pending))
        .limit(NAMED)
        .into_tuple()
        .all(tx)
        .await?;
    open.extend(
        undoing.into_iter().map(|order| format!("a second approval of order {order} is being cancelled")),
    );
    Ok(open)
}

async fn runs_until(tx: &Tx, user_id: &UserId, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, DbErr> {
    let found = subscription::Entity::find()
        .filter(subscription::Column::UserId.eq(user_id.clone()))
        .filter(subscription::Column::IsActive.eq(true))
        .filter(subscription::Column::EndDate.gt(now));
    Ok(found.one(tx).await?.map(|row| row.end_date))
}

/// Kept answers that name the user, or that are about what the user has bought.
async fn forget_answers(tx: &Tx, user_id: &UserId) -> Result<u64, DbErr> {
    use idempotency_key::Column;
    let quoted = Query::select()
        .column(temp_order::Column::OrderId)
        .from(temp_order::Entity)
        .and_where(temp_order::Column::UserId.eq(user_id.clone()))
        .to_owned();
    let refunded = Query::select()
        .column(refund::Column::Id)
        .from(refund::Entity)
        .and_where(refund::Column::OrderId.in_subquery(orders(user_id)))
        .to_owned();
    let quotes = format!("%\"{}\"%", user_id.as_str().replace('_', "\\_"));
    let theirs = Condition::any()
        .add(Column::Caller.eq(Principal::User(user_id.clone()).scope()))
        .add(Column::ResponseBody.like(LikeExpr::new(quotes).escape('\\')))
        .add(Column::Resource.in_subquery(orders(user_id)))
        .add(Column::Resource.in_subquery(quoted))
        .add(Column::Resource.in_subquery(refunded));
    Ok(idempotency_key::Entity::delete_many().filter(theirs).exec(tx).await?.rows_affected)
}

/// Quoted orders and where their buyer was to be sent back to.
async fn forget_orders(tx: &Tx, user_id: &UserId) -> Result<u64, DbErr> {
    let quoted = Query::select()
        .column(temp_order::Column::OrderId)
        .from(temp_order::Entity)
        .and_where(temp_order::Column::UserId.eq(user_id.clone()))
        .to_owned();
    let pages = Condition::any()
        .add(checkout::Column::OrderId.in_subquery(orders(user_id)))
        .add(checkout::Column::OrderId.in_subquery(quoted));
    checkout::Entity::delete_many().filter(pages).exec(tx).await?;
    let quoted = temp_order::Entity::delete_many().filter(temp_order::Column::UserId.eq(user_id.clone()));
    Ok(quoted.exec(tx).await?.rows_affected)
}

/// Free texts, accounts, and what hints were kept for.
async fn forget_words(tx: &Tx, user_id: &UserId) -> Result<(), DbErr> {
    let reasons = refund::Entity::update_many()
        .col_expr(refund::Column::Reason, Expr::value(refunds::ERASED_REASON))
        .col_expr(refund::Column::ReceiveAccount, Expr::value(Option::<sea_orm::JsonValue>::None))
        .filter(refund::Column::OrderId.in_subquery(orders(user_id)));
    reasons.exec(tx).await?;
    // One that is still to be worked off needs its body, which by then holds only keys.
    let hints = webhook::Entity::update_many()
        .col_expr(webhook::Column::Body, Expr::value("{}"))
        .filter(webhook::Column::OrderId.in_subquery(orders(user_id)))
        .filter(webhook::Column::NextTryAt.is_null());
    hints.exec(tx).await?;
    let worded = payment::Entity::find().filter(payment::Column::UserId.eq(user_id.clone())).filter(
        Condition::any()
            .add(payment::Column::VirtualAccount.is_not_null())
            .add(payment::Column::FailureMessage.is_not_null()),
    );
    for mut row in worded.all(tx).await? {
        payments::forget(&mut row);
        payments::moves::save(tx, &row).await?;
    }
    Ok(())
}

/// Puts a new name in the place of the old one. The row that the others refer to comes first and goes last.
async fn rename(tx: &Tx, before: &customer::Model, after: &UserId) -> Result<u64, DbErr> {
    let new = customer::Model {
        user_id: after.clone(),
        customer_key: CustomerKey::random(),
        created_at: before.created_at,
    };
    new.into_active_model().insert(tx).await?;
    let payments = payment::Entity::update_many()
        .col_expr(payment::Column::UserId, Expr::value(after.clone()))
        .filter(payment::Column::UserId.eq(before.user_id.clone()));
    let payments = payments.exec(tx).await?.rows_affected;
    let subscriptions = subscription::Entity::update_many()
        .col_expr(subscription::Column::UserId, Expr::value(after.clone()))
        .filter(subscription::Column::UserId.eq(before.user_id.clone()));
    subscriptions.exec(tx).await?;
    let findings = finding::Entity::update_many()
        .col_expr(finding::Column::Subject, Expr::value(check::subject_of_user(after)))
        .filter(finding::Column::Subject.eq(check::subject_of_user(&before.user_id)));
    findings.exec(tx).await?;
    customer::Entity::delete_by_id(before.user_id.clone()).exec(tx).await?;
    Ok(payments)
}

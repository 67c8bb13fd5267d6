//! Moves a payment from one state to the next and writes down why.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entity::payment::PaymentStatus;
use entity::payment_event::Cause;
use entity::{OrderId, PaymentEventId, PaymentKey, Won, payment, payment_event, plan, temp_order};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, FromQueryResult,
    IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
};

use crate::db::{Tx, Writes, columns};
use crate::toss::Failure;

/// Why and when a payment moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reason<'a> {
    /// What makes it move.
    pub(crate) cause: Cause,
    /// Toss's no, where there is one.
    pub(crate) failure: Option<&'a Failure>,
    /// When.
    pub(crate) now: DateTime<Utc>,
}

/// The payment of `order_id`, which nobody else can change until this transaction ends.
pub(crate) async fn lock(tx: &Tx, order_id: &OrderId) -> Result<Option<payment::Model>, DbErr> {
    payment::Entity::find_by_id(order_id.clone()).lock_exclusive().one(tx).await
}

/// The payment of `order_id`, which nobody else can change until this transaction ends, and its plan. Its buyer is locked
/// as well: one user's paid time changes in one transaction after another, those of different users never wait for each
/// other, and new orders of the user, which only refer to the row, do not wait either.
pub(crate) async fn lock_with_buyer(
    tx: &Tx,
    order_id: &OrderId,
) -> Result<Option<(payment::Model, plan::Model)>, DbErr> {
    let (backend, lock) = match tx.get_database_backend() {
        // The only writer needs no locks.
        DbBackend::Sqlite => (DbBackend::Sqlite, ""),
        // Not FOR UPDATE: rows that only refer to the payment or its buyer do not wait.
        backend => (backend, " FOR NO KEY UPDATE OF p, c"),
    };
    let sql = format!("{}{lock}", WITH_BUYER.as_str());
    // While it waited, the buyer may have been erased: then it has another one, whom the first look has not found.
    for _ in 0..2 {
        let statement = Statement::from_sql_and_values(backend, &sql, [order_id.clone().into()]);
        if let Some(row) = tx.query_one_raw(statement).await? {
            let plan = plan::Model::from_query_result(&row, "l_")?;
            return Ok(Some((payment::Model::from_query_result(&row, "p_")?, plan)));
        }
    }
    Ok(None)
}

static WITH_BUYER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {} FROM payment p JOIN customer c ON c.user_id = p.user_id JOIN plan l ON l.id = p.plan_id
        WHERE p.order_id = $1",
        columns::<payment::Entity>("p"),
        columns::<plan::Entity>("l"),
    )
});

/// A payment of `order` before anything has been paid.
pub(crate) fn unpaid(order: temp_order::Model, status: PaymentStatus, now: DateTime<Utc>) -> payment::Model {
    payment::Model {
        order_id: order.order_id,
        user_id: order.user_id,
        plan_id: order.plan_id,
        order_name: order.order_name,
        amount: order.total_amount,
        balance_amount: Won::ZERO,
        currency: order.currency,
        interval_months: order.interval_months,
        status,
        payment_method: None,
        payment_key: None,
        receipt_url: None,
        failure_code: None,
        failure_message: None,
        virtual_account: None,
        toss_secret: None,
        requested_at: None,
        approved_at: None,
        attempt: 0,
        idempotency_key: None,
        attempted_at: None,
        next_settle_at: None,
        settle_tries: 0,
        not_found_count: 0,
        created_at: now,
        updated_at: now,
    }
}

/// How often the payment of `order_id` has moved.
pub(crate) async fn count(tx: &Tx, order_id: &OrderId) -> Result<u64, DbErr> {
    payment_event::Entity::find().filter(payment_event::Column::OrderId.eq(order_id.clone())).count(tx).await
}

/// Whether `payment_key` was ever offered for `order_id`.
pub(crate) async fn offered(tx: &Tx, order_id: &OrderId, payment_key: &PaymentKey) -> Result<bool, DbErr> {
    let offered = payment_event::Entity::find()
        .filter(payment_event::Column::OrderId.eq(order_id.clone()))
        .filter(payment_event::Column::PaymentKey.eq(payment_key.clone()));
    Ok(offered.one(tx).await?.is_some())
}

/// Moves `payment` in memory and writes the move's row. [`save`] keeps the payment itself.
pub(crate) async fn record(
    tx: &Tx,
    payment: &mut payment::Model,
    to: (PaymentStatus, Won),
    reason: Reason<'_>,
) -> Result<PaymentEventId, DbErr> {
    let mut writes = Writes::default();
    let last = last(tx, &payment.order_id).await?;
    let id = add(&mut writes, payment, last, to, reason);
    writes.run(tx).await?;
    Ok(id)
}

/// Moves `payment`, which `last` moved before, in memory, and adds the move's row to `writes`. The payment itself is to
/// be kept as well.
pub(crate) fn add(
    writes: &mut Writes,
    payment: &mut payment::Model,
    last: Option<PaymentEventId>,
    to: (PaymentStatus, Won),
    reason: Reason<'_>,
) -> PaymentEventId {
    let id = PaymentEventId::after(last);
    writes.add(payment_event::Entity::insert(row(id, Some(payment.status), payment, to, reason)));
    (payment.status, payment.balance_amount) = to;
    payment.updated_at = reason.now;
    id
}

/// The last move of `order_id`, whose lock the caller holds: the order of moves must not hang on clocks.
pub(crate) async fn last(tx: &Tx, order_id: &OrderId) -> Result<Option<PaymentEventId>, DbErr> {
    payment_event::Entity::find()
        .select_only()
        .column(payment_event::Column::Id)
        .filter(payment_event::Column::OrderId.eq(order_id.clone()))
        .order_by_desc(payment_event::Column::Id)
        .into_tuple()
        .one(tx)
        .await
}

/// Writes the first move of a payment that has just been inserted.
pub(crate) async fn record_first(tx: &Tx, payment: &payment::Model, reason: Reason<'_>) -> Result<(), DbErr> {
    let mut writes = Writes::default();
    add_first(&mut writes, payment, reason);
    writes.run(tx).await.map(drop)
}

/// Adds the first move of a new payment to `writes`.
pub(crate) fn add_first(writes: &mut Writes, payment: &payment::Model, reason: Reason<'_>) {
    let to = (payment.status, payment.balance_amount);
    writes.add(payment_event::Entity::insert(row(PaymentEventId::new(), None, payment, to, reason)));
}

/// Keeps every column of `payment`.
pub(crate) async fn save(tx: &Tx, payment: &payment::Model) -> Result<(), DbErr> {
    let mut writes = Writes::default();
    writes.add(payment::Entity::update(payment.clone().into_active_model().reset_all()).validate()?);
    match writes.run(tx).await?.total() {
        1 => Ok(()),
        _ => Err(DbErr::RecordNotUpdated),
    }
}

/// `code`, if it looks like one of Toss's.
pub(super) fn listed(code: String) -> String {
    let sane = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if code.bytes().all(sane) { code } else { "UNKNOWN".to_owned() }
}

fn row(
    id: PaymentEventId,
    from: Option<PaymentStatus>,
    payment: &payment::Model,
    (to, balance): (PaymentStatus, Won),
    reason: Reason<'_>,
) -> payment_event::ActiveModel {
    // A browser can say anything, also about its user, and this row can never be changed: its words are kept in the
    // payment alone.
    let told = reason.failure.map(|failure| match reason.cause {
        Cause::Fail => (listed(failure.code.clone()), None),
        _ => (failure.code.clone(), Some(failure.message.clone())),
    });
    let (code, message) = told.unzip();
    payment_event::ActiveModel {
        id: Set(id),
        order_id: Set(payment.order_id.clone()),
        from_status: Set(from),
        to_status: Set(to),
        cause: Set(reason.cause),
        balance_amount: Set(balance),
        payment_key: Set(payment.payment_key.clone()),
        idempotency_key: Set(payment.idempotency_key.clone()),
        code: Set(code),
        message: Set(message.flatten()),
        payment_method: Set(reason.failure.and(payment.payment_method.clone())),
        created_at: Set(reason.now),
    }
}

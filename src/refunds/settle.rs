//! Asks Toss to give money back, and finds out what became of refunds whose answer was lost.

use chrono::{DateTime, Duration, Utc};
use entity::payment_event::Cause;
use entity::refund::RefundStatus;
use entity::{IdempotencyKey, RefundId, Won, payment, refund};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};

use crate::app::App;
use crate::crash::{self, Point};
use crate::db::transact;
use crate::findings::{self, Found};
use crate::payments::apply::{ApplyError, Heard, apply};
use crate::payments::{Outcome, TAKES_ON_FOR, count_decided, moves, next_delay};
use crate::toss::{self, Answer, Class, Failure};

/// Codes that say that a cancel is still under way.
const STILL_RUNNING: [&str; 3] =
    ["IDEMPOTENT_REQUEST_PROCESSING", "ALREADY_REFUNDING_PAYMENT", "DUPLICATED_REQUEST"];
/// Tries after which a refund that Toss neither does nor excludes is a person's matter.
const TRIES_BEFORE_ALARM: i32 = 8;
/// Refunds that one run takes on at most.
const BATCH: u64 = 200;

/// Until when a refund that is being asked about is left alone: two calls may follow each other.
pub(super) fn lease_end(app: &App, now: DateTime<Utc>) -> DateTime<Utc> {
    let calls = Duration::from_std(app.toss.request_timeout() * 2).unwrap_or(Duration::minutes(20));
    now + calls + Duration::seconds(10)
}

/// Asks about every refund that is due. Returns how many were decided.
///
/// # Errors
/// The database's own; what was decided stays decided.
pub async fn settle_due(app: &App, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let due: Vec<(RefundId, DateTime<Utc>)> = refund::Entity::find()
        .select_only()
        .columns([refund::Column::Id, refund::Column::NextSettleAt])
        .filter(refund::Column::NextSettleAt.lte(now))
        .order_by_asc(refund::Column::NextSettleAt)
        .limit(BATCH)
        .into_tuple()
        .all(app.db.read())
        .await?;
    let began = std::time::Instant::now();
    count_decided(due.into_iter().map(async |(id, due_at)| {
        if app.stopping.is_cancelled() || began.elapsed() > TAKES_ON_FOR || !take(app, id, due_at).await? {
            return Ok(Outcome::Open);
        }
        settle_one(app, id).await
    }))
    .await
}

/// Takes a due refund on, unless another process just has: only one can move the due time that both have read.
async fn take(app: &App, id: RefundId, due_at: DateTime<Utc>) -> Result<bool, DbErr> {
    let lease = lease_end(app, app.clock.now());
    transact!(app.db, |tx| {
        let taken = refund::Entity::update_many()
            .col_expr(refund::Column::NextSettleAt, Expr::value(lease))
            .filter(refund::Column::Id.eq(id))
            .filter(refund::Column::NextSettleAt.eq(due_at))
            .exec(tx)
            .await?;
        Ok(taken.rows_affected == 1)
    })
}

/// A look-up always comes before a new try: the money may be back already.
async fn settle_one(app: &App, id: RefundId) -> Result<Outcome, DbErr> {
    let Some(refund) = pending(app, id).await? else { return Ok(Outcome::Decided) };
    match look_up(app, &refund, Cause::Settle).await? {
        Seen::Done => Ok(Outcome::Decided),
        Seen::NotDone { .. } => send(app, &refund, Cause::Settle).await,
        Seen::Nothing(outcome) => Ok(outcome),
    }
}

async fn pending(app: &App, id: RefundId) -> Result<Option<refund::Model>, DbErr> {
    let found = refund::Entity::find_by_id(id).one(app.db.read()).await?;
    Ok(found.filter(|refund| refund.status == RefundStatus::Pending))
}

/// Asks Toss for the refund that has just been reserved.
///
/// # Errors
/// The database's own; the refund is then found by the settle job.
pub(super) async fn ask(app: &App, refund: &refund::Model) -> Result<Outcome, DbErr> {
    send(app, refund, Cause::Cancel).await
}

async fn send(app: &App, refund: &refund::Model, cause: Cause) -> Result<Outcome, DbErr> {
    let found = payment::Entity::find_by_id(refund.order_id.clone()).one(app.db.read()).await?;
    let payment_key = found.and_then(|payment| payment.payment_key);
    let (Some(payment_key), Some(key)) = (payment_key, &refund.idempotency_key) else {
        tracing::error!(refund = %refund.id, "needs a person: a pending refund without a key");
        return postpone(app, refund, false, app.clock.now()).await;
    };
    let cancel = toss::Cancel {
        payment_key,
        reason: refund.reason.clone(),
        // All at once is what makes Toss say CANCELED rather than PARTIAL_CANCELED.
        amount: (refund.amount < refund.expected_balance).then_some(refund.amount),
        refundable_amount: refund.expected_balance,
    };
    let asked_at = app.clock.now();
    match app.toss.cancel(&cancel, key).await {
        Answer::Payment(truth) => match apply_truth(app, refund, &truth, (cause, asked_at)).await? {
            Seen::Done => Ok(Outcome::Decided),
            Seen::NotDone { .. } => postpone(app, refund, false, app.clock.now()).await,
            Seen::Nothing(outcome) => Ok(outcome),
        },
        Answer::Error { class: class @ (Class::LookUp | Class::Declined), failure, kept } => {
            let new_key = kept.needs_new_key(refund.settle_tries);
            refused(app, refund, (class, failure, new_key), cause).await
        }
        Answer::Error { class: Class::Misconfigured, failure, kept } => {
            misconfigured(app, refund, failure, kept.needs_new_key(refund.settle_tries)).await
        }
        Answer::Error { class: Class::Unknown | Class::NotFound, kept, .. } => {
            postpone(app, refund, kept.needs_new_key(refund.settle_tries), app.clock.now()).await
        }
        Answer::Silent { .. } | Answer::NotSent { .. } => postpone(app, refund, false, app.clock.now()).await,
    }
}

/// A no to this request may be a yes to an earlier one of ours, or to staff at Toss: the payment itself tells.
async fn refused(
    app: &App,
    refund: &refund::Model,
    (class, failure, new_key): (Class, Failure, bool),
    cause: Cause,
) -> Result<Outcome, DbErr> {
    match look_up(app, refund, cause).await? {
        Seen::Done => Ok(Outcome::Decided),
        // The code does not say that nothing will happen: a cancel of ours or of staff may still be running.
        Seen::NotDone { balance }
            if STILL_RUNNING.contains(&failure.code.as_str())
                || class == Class::LookUp && balance == refund.expected_balance =>
        {
            if refund.settle_tries > TRIES_BEFORE_ALARM {
                tracing::error!(refund = %refund.id, code = failure.code, "needs a person: Toss neither does nor excludes a refund");
            }
            postpone(app, refund, new_key, app.clock.now()).await
        }
        Seen::NotDone { .. } => give_up(app, refund, &failure).await,
        Seen::Nothing(outcome) => Ok(outcome),
    }
}

/// What the payment at Toss says about the refund.
enum Seen {
    /// The money is back, and the books say so.
    Done,
    /// It is not, and this is what can still be cancelled.
    NotDone {
        /// Won left at Toss.
        balance: Won,
    },
    /// Toss did not tell; the next question has been put off.
    Nothing(Outcome),
}

async fn look_up(app: &App, refund: &refund::Model, cause: Cause) -> Result<Seen, DbErr> {
    let found = payment::Entity::find_by_id(refund.order_id.clone()).one(app.db.read()).await?;
    let Some(payment_key) = found.and_then(|payment| payment.payment_key) else {
        return Ok(Seen::Nothing(postpone(app, refund, false, app.clock.now()).await?));
    };
    let asked_at = app.clock.now();
    match app.toss.look_up(&payment_key).await {
        Answer::Payment(truth) => apply_truth(app, refund, &truth, (cause, asked_at)).await,
        Answer::Error { class: Class::Misconfigured, failure, .. } => {
            Ok(Seen::Nothing(misconfigured(app, refund, failure, false).await?))
        }
        Answer::Error { .. } | Answer::Silent { .. } | Answer::NotSent { .. } => {
            Ok(Seen::Nothing(postpone(app, refund, false, app.clock.now()).await?))
        }
    }
}

async fn apply_truth(
    app: &App,
    refund: &refund::Model,
    truth: &toss::Payment,
    (cause, asked_at): (Cause, DateTime<Utc>),
) -> Result<Seen, DbErr> {
    let (zone, heard) = (app.config.billing.timezone, Heard { cause, asked_at, now: app.clock.now() });
    let applied = transact!(app.db, |tx| { apply(tx, zone, &refund.order_id, truth, heard).await });
    crash::point(Point::TruthRecorded);
    match applied {
        Ok(payment) => Ok(match pending(app, refund.id).await? {
            Some(_) => Seen::NotDone { balance: payment.balance_amount },
            None => Seen::Done,
        }),
        Err(ApplyError::Database(error)) => Err(error),
        Err(error) => {
            findings::note(app, Found::unapplicable(&refund.order_id, None, error.to_string())).await;
            Ok(Seen::Nothing(postpone(app, refund, false, heard.now).await?))
        }
    }
}

async fn misconfigured(
    app: &App,
    refund: &refund::Model,
    failure: Failure,
    new_key: bool,
) -> Result<Outcome, DbErr> {
    let (code, message) = (failure.code, failure.message);
    tracing::error!(code, message, "needs a person: Toss refuses our key or contract");
    postpone(app, refund, new_key, app.clock.now()).await?;
    Ok(Outcome::Misconfigured)
}

/// Toss gives nothing back for this request; its amount is free again.
async fn give_up(app: &App, refund: &refund::Model, failure: &Failure) -> Result<Outcome, DbErr> {
    transact!(app.db, |tx| {
        let Some(mut row) = locked(tx, refund).await? else { return Ok::<_, DbErr>(()) };
        row.status = Set(RefundStatus::Failed);
        row.receive_account = Set(None);
        row.failure_code = Set(Some(failure.code.clone()));
        row.failure_message = Set(Some(failure.message.clone()));
        row.next_settle_at = Set(None);
        row.update(tx).await.map(drop)
    })?;
    Ok(Outcome::Decided)
}

/// Puts the next question off along the ladder. `new_key` when the one that was sent has served.
async fn postpone(
    app: &App,
    refund: &refund::Model,
    new_key: bool,
    now: DateTime<Utc>,
) -> Result<Outcome, DbErr> {
    transact!(app.db, |tx| {
        let Some(mut row) = locked(tx, refund).await? else { return Ok::<_, DbErr>(()) };
        let tries = row.settle_tries.take().unwrap_or_default();
        row.next_settle_at = Set(Some(now + next_delay(tries)));
        row.settle_tries = Set(tries.saturating_add(1));
        if new_key {
            row.idempotency_key = Set(Some(IdempotencyKey::random()));
        }
        row.update(tx).await.map(drop)
    })?;
    Ok(Outcome::Open)
}

/// The refund, if it is still open, under the lock of its payment.
async fn locked(
    tx: &DatabaseTransaction,
    refund: &refund::Model,
) -> Result<Option<refund::ActiveModel>, DbErr> {
    moves::lock(tx, &refund.order_id).await?;
    let found = refund::Entity::find_by_id(refund.id).one(tx).await?;
    Ok(found.filter(|refund| refund.status == RefundStatus::Pending).map(IntoActiveModel::into_active_model))
}

//! Finds out what became of a payment and finishes it. Unknown never becomes failed because we are tired of asking.

use chrono::{DateTime, Duration, Utc};
use entity::payment::PaymentStatus;
use entity::payment_event::Cause;
use entity::{IdempotencyKey, OrderId, PaymentKey, Won, payment};
use futures_util::StreamExt;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::apply::{self, ApplyError, Difference, Heard, give_up};
use super::{moves, next_delay};
use crate::app::App;
use crate::crash::{self, Point};
use crate::db::{is_unavailable, transact};
use crate::findings::{self, Found};
use crate::toss::{self, Answer, Class, Failure, Status};

/// How long an authenticated payment waits for its confirmation at Toss; then it is gone for good.
const APPROVAL_WINDOW: Duration = Duration::minutes(10);
/// How often Toss must say that it knows nothing, after the window, before it is believed.
const NOT_FOUND_ENOUGH: i32 = 2;
/// Payments that one run takes on at most.
const BATCH: u64 = 200;
/// Questions to Toss under way at once.
const IN_FLIGHT: usize = 8;
/// How long one run takes on more; what is still due then is for the next.
pub(crate) const TAKES_ON_FOR: std::time::Duration = std::time::Duration::from_secs(30);

/// One offer of an order to Toss, under one idempotency key.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    /// The order.
    pub order_id: OrderId,
    payment_key: PaymentKey,
    amount: Won,
    idempotency_key: IdempotencyKey,
    attempted_at: DateTime<Utc>,
    status: PaymentStatus,
    tries: i32,
}

impl Attempt {
    /// The newest attempt of `payment`; none when it was never offered.
    pub(super) fn of(payment: &payment::Model) -> Option<Self> {
        Some(Self {
            order_id: payment.order_id.clone(),
            payment_key: payment.payment_key.clone()?,
            amount: payment.amount,
            idempotency_key: payment.idempotency_key.clone()?,
            attempted_at: payment.attempted_at?,
            status: payment.status,
            tries: payment.settle_tries,
        })
    }
}

/// What asking brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The truth is recorded.
    Decided,
    /// It is still open, and will be asked again.
    Open,
    /// Toss refuses our key: a person is needed.
    Misconfigured,
}

/// Asks about everything that is due. Returns how many payments were decided.
///
/// # Errors
/// The database's own; what was decided stays decided.
pub async fn settle_due(app: &App, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let due: Vec<(OrderId, DateTime<Utc>)> = payment::Entity::find()
        .select_only()
        .columns([payment::Column::OrderId, payment::Column::NextSettleAt])
        .filter(payment::Column::NextSettleAt.lte(now))
        .order_by_asc(payment::Column::NextSettleAt)
        .limit(BATCH)
        .into_tuple()
        .all(app.db.read())
        .await?;
    let began = std::time::Instant::now();
    count_decided(due.into_iter().map(async |(order_id, due_at)| {
        if app.stopping.is_cancelled()
            || began.elapsed() > TAKES_ON_FOR
            || !take(app, &order_id, due_at).await?
        {
            return Ok(Outcome::Open);
        }
        settle_one(app, &order_id).await
    }))
    .await
}

/// Carries the questions out, a bounded number at once, and counts those that were decided.
pub(crate) async fn count_decided(
    questions: impl Iterator<Item = impl Future<Output = Result<Outcome, DbErr>>>,
) -> Result<u64, DbErr> {
    let outcomes: Vec<_> = futures_util::stream::iter(questions).buffer_unordered(IN_FLIGHT).collect().await;
    let mut decided = 0;
    for outcome in outcomes {
        match outcome {
            Ok(outcome) => decided += u64::from(outcome == Outcome::Decided),
            Err(error) if is_unavailable(&error) => return Err(error),
            // One that the database refuses must not stop the others; its lease brings it back.
            Err(error) => tracing::error!(%error, "needs a person: an outcome cannot be recorded"),
        }
    }
    Ok(decided)
}

/// Takes a due payment on, unless another process just has: only one can move the due time that both have read.
async fn take(app: &App, order_id: &OrderId, due_at: DateTime<Utc>) -> Result<bool, DbErr> {
    // A look-up and a confirmation may follow; if further look-ups outlast the lease, two may ask, which harms nothing.
    let lease = app.clock.now()
        + Duration::from_std(app.toss.request_timeout() * 2).unwrap_or(APPROVAL_WINDOW)
        + Duration::seconds(10);
    transact!(app.db, |tx| {
        let taken = payment::Entity::update_many()
            .col_expr(payment::Column::NextSettleAt, Expr::value(lease))
            .filter(payment::Column::OrderId.eq(order_id.clone()))
            .filter(payment::Column::NextSettleAt.eq(due_at))
            .exec(tx)
            .await?;
        Ok(taken.rows_affected == 1)
    })
}

/// Asks Toss how the payment of `order_id` stands and records the answer; a look-up always comes before a new try.
///
/// # Errors
/// The database's own.
pub(super) async fn settle_one(app: &App, order_id: &OrderId) -> Result<Outcome, DbErr> {
    let found = payment::Entity::find_by_id(order_id.clone()).one(app.db.read()).await?;
    let Some(attempt) = found.as_ref().and_then(Attempt::of) else { return Ok(Outcome::Decided) };
    let asked_at = app.clock.now();
    let answer = app.toss.look_up(&attempt.payment_key).await;
    let now = app.clock.now();
    let window_open = now < attempt.attempted_at + APPROVAL_WINDOW;
    let open = attempt.status == PaymentStatus::InProgress;
    match &answer {
        Answer::Error { class: Class::NotFound, .. } if open && window_open => {
            ask(app, attempt, Cause::Settle).await
        }
        Answer::Error { class: Class::NotFound, .. } if open => nothing_there(app, &attempt).await,
        Answer::Payment(truth) if open && window_open && truth.status == Status::InProgress => {
            ask(app, attempt, Cause::Settle).await
        }
        _ => seen(app, &attempt, answer, Heard { cause: Cause::Settle, asked_at, now }).await,
    }
}

/// Asks Toss to confirm `attempt` and records what it says.
///
/// # Errors
/// The database's own; the payment is then found by the settle job.
pub(super) async fn ask(app: &App, attempt: Attempt, cause: Cause) -> Result<Outcome, DbErr> {
    let confirm = toss::Confirm {
        payment_key: attempt.payment_key.clone(),
        order_id: attempt.order_id.clone(),
        amount: attempt.amount,
    };
    let asked_at = app.clock.now();
    let answer = app.toss.confirm(&confirm, &attempt.idempotency_key).await;
    let heard = Heard { cause, asked_at, now: app.clock.now() };
    match answer {
        Answer::Payment(truth) => apply_truth(app, &attempt, &truth, heard).await,
        Answer::Error { class: Class::Declined, failure, .. } if cause == Cause::Confirm => {
            decline(app, &attempt, &failure, heard).await
        }
        // "Already processed" and the like say where the truth is, not what it is. And a no to a repeated request says
        // nothing of the first one, which may have worked.
        Answer::Error { class: Class::Declined | Class::LookUp, .. } => {
            look_again(app, &attempt, cause).await
        }
        Answer::Error { class: Class::Misconfigured, failure, kept } => {
            misconfigured(app, &attempt, failure, kept.needs_new_key(attempt.tries), heard.now).await
        }
        Answer::Error { class: Class::Unknown | Class::NotFound, kept, .. } => {
            postpone(app, &attempt, kept.needs_new_key(attempt.tries), heard.now).await
        }
        Answer::Silent { .. } | Answer::NotSent { .. } => postpone(app, &attempt, false, heard.now).await,
    }
}

/// Looks the payment up by its key, and where that decides nothing by the order: an earlier attempt may have worked.
async fn look_again(app: &App, attempt: &Attempt, cause: Cause) -> Result<Outcome, DbErr> {
    let asked_at = app.clock.now();
    let answer = app.toss.look_up(&attempt.payment_key).await;
    let outcome = seen(app, attempt, answer, Heard { cause, asked_at, now: app.clock.now() }).await?;
    if outcome != Outcome::Open {
        return Ok(outcome);
    }
    match look_up_order(app, attempt, cause).await? {
        OrderSeen::Applied(outcome) => Ok(outcome),
        OrderSeen::Nothing | OrderSeen::Undecided => Ok(Outcome::Open),
    }
}

/// What Toss says of an order, whichever attempt it is about.
enum OrderSeen {
    /// Something that decides, which has been applied.
    Applied(Outcome),
    /// It holds no money for it, and will not.
    Nothing,
    /// It did not tell, or what it tells decides nothing.
    Undecided,
}

/// Takes over what Toss holds for the order, if money came in by whichever attempt.
async fn look_up_order(app: &App, attempt: &Attempt, cause: Cause) -> Result<OrderSeen, DbErr> {
    let asked_at = app.clock.now();
    let truth = match app.toss.look_up_order(&attempt.order_id).await {
        Answer::Payment(truth) => truth,
        Answer::Error { class: Class::NotFound, .. } => return Ok(OrderSeen::Nothing),
        Answer::Error { .. } | Answer::Silent { .. } | Answer::NotSent { .. } => {
            return Ok(OrderSeen::Undecided);
        }
    };
    let own = truth.payment_key == attempt.payment_key.as_str();
    if !own && truth.approved_at.is_none() {
        let over = matches!(truth.status, Status::Aborted | Status::Expired | Status::Canceled);
        return Ok(if over { OrderSeen::Nothing } else { OrderSeen::Undecided });
    }
    match apply_truth(app, attempt, &truth, Heard { cause, asked_at, now: app.clock.now() }).await? {
        Outcome::Open => Ok(OrderSeen::Undecided),
        outcome => Ok(OrderSeen::Applied(outcome)),
    }
}

/// Records what a look-up brought. Whatever decides nothing moves the next question further away.
async fn seen(app: &App, attempt: &Attempt, answer: Answer, heard: Heard) -> Result<Outcome, DbErr> {
    match answer {
        Answer::Payment(truth) => apply_truth(app, attempt, &truth, heard).await,
        Answer::Error { class: Class::Misconfigured, failure, .. } => {
            misconfigured(app, attempt, failure, false, heard.now).await
        }
        Answer::Error { .. } | Answer::Silent { .. } | Answer::NotSent { .. } => {
            postpone(app, attempt, false, heard.now).await
        }
    }
}

async fn misconfigured(
    app: &App,
    attempt: &Attempt,
    failure: Failure,
    new_key: bool,
    now: DateTime<Utc>,
) -> Result<Outcome, DbErr> {
    let (code, message) = (failure.code, failure.message);
    tracing::error!(code, message, "needs a person: Toss refuses our key or contract");
    postpone(app, attempt, new_key, now).await?;
    Ok(Outcome::Misconfigured)
}

/// Applies what Toss shows, and asks again later where that decides nothing.
async fn apply_truth(
    app: &App,
    attempt: &Attempt,
    truth: &toss::Payment,
    heard: Heard,
) -> Result<Outcome, DbErr> {
    let zone = app.config.billing.timezone;
    let applied = transact!(app.db, |tx| { apply::apply(tx, zone, &attempt.order_id, truth, heard).await });
    crash::point(Point::TruthRecorded);
    match applied {
        Ok(payment) if payment.status == PaymentStatus::InProgress => {
            postpone(app, attempt, false, heard.now).await
        }
        Ok(payment) if payment.status == PaymentStatus::WaitingForDeposit => {
            wait_longer(app, attempt, heard.now).await?;
            Ok(if attempt.status == payment.status { Outcome::Open } else { Outcome::Decided })
        }
        Ok(_) => Ok(Outcome::Decided),
        Err(ApplyError::Database(error)) => Err(error),
        // The buyer offered the key of something else: this attempt can never become our order's payment.
        Err(ApplyError::Differs(Difference::Order)) => {
            let failure = Failure {
                code: "INVALID_REQUEST".to_owned(),
                message: "다른 주문의 결제 키입니다.".to_owned(),
            };
            decline(app, attempt, &failure, heard).await
        }
        Err(error) => {
            let key = Some(&attempt.payment_key);
            findings::note(app, Found::unapplicable(&attempt.order_id, key, error.to_string())).await;
            postpone(app, attempt, false, heard.now).await
        }
    }
}

/// Records a definite no, unless the attempt has been decided otherwise meanwhile.
async fn decline(app: &App, attempt: &Attempt, failure: &Failure, heard: Heard) -> Result<Outcome, DbErr> {
    let recorded = transact!(app.db, |tx| {
        let Some(mut payment) = moves::lock(tx, &attempt.order_id).await? else { return Ok(()) };
        let same = payment.payment_key.as_ref() == Some(&attempt.payment_key);
        if same && payment.status == PaymentStatus::InProgress {
            give_up(tx, &mut payment, PaymentStatus::Aborted, failure, heard).await?;
            moves::save(tx, &payment).await?;
        }
        Ok::<_, ApplyError>(())
    });
    match recorded {
        Ok(()) => Ok(Outcome::Decided),
        Err(ApplyError::Database(error)) => Err(error),
        Err(error) => {
            tracing::error!(order_id = %attempt.order_id, %error, "a decline cannot be recorded");
            postpone(app, attempt, false, heard.now).await
        }
    }
}

/// Toss says, after its approval window, that it knows no such payment: believed when it knows none of the order
/// either, and has said so often enough.
async fn nothing_there(app: &App, attempt: &Attempt) -> Result<Outcome, DbErr> {
    let seen = look_up_order(app, attempt, Cause::Settle).await?;
    let now = app.clock.now();
    match seen {
        OrderSeen::Applied(outcome) => return Ok(outcome),
        OrderSeen::Undecided => return postpone(app, attempt, false, now).await,
        OrderSeen::Nothing => {}
    }
    let heard = transact!(app.db, |tx| {
        let Some(mut payment) = moves::lock(tx, &attempt.order_id).await? else { return Ok::<_, DbErr>(0) };
        payment.not_found_count += 1;
        moves::save(tx, &payment).await?;
        Ok(payment.not_found_count)
    })?;
    if heard < NOT_FOUND_ENOUGH {
        return postpone(app, attempt, false, now).await;
    }
    let failure = Failure {
        code: "NOT_FOUND_PAYMENT".to_owned(),
        message: "승인 가능 시간이 지났고 결제 정보가 없습니다.".to_owned(),
    };
    decline(app, attempt, &failure, Heard { cause: Cause::Settle, asked_at: now, now }).await
}

/// Puts the next question off along the ladder. `new_key` when the one that was sent has served.
async fn postpone(app: &App, attempt: &Attempt, new_key: bool, now: DateTime<Utc>) -> Result<Outcome, DbErr> {
    transact!(app.db, |tx| {
        let Some(mut payment) = moves::lock(tx, &attempt.order_id).await? else { return Ok::<_, DbErr>(()) };
        let same = payment.idempotency_key.as_ref() == Some(&attempt.idempotency_key);
        if !same || payment.status != PaymentStatus::InProgress {
            return Ok(());
        }
        payment.next_settle_at = Some(now + next_delay(payment.settle_tries));
        payment.settle_tries = payment.settle_tries.saturating_add(1);
        if new_key {
            payment.idempotency_key = Some(IdempotencyKey::random());
        }
        moves::save(tx, &payment).await
    })?;
    Ok(Outcome::Open)
}

/// Deposits are looked for ever more slowly, and no longer once their term is well over.
async fn wait_longer(app: &App, attempt: &Attempt, now: DateTime<Utc>) -> Result<(), DbErr> {
    transact!(app.db, |tx| {
        let Some(mut payment) = moves::lock(tx, &attempt.order_id).await? else { return Ok::<_, DbErr>(()) };
        if payment.status != PaymentStatus::WaitingForDeposit {
            return Ok(());
        }
        let account = payment.virtual_account.clone();
        let account = account.and_then(|value| serde_json::from_value::<toss::VirtualAccount>(value).ok());
        let over =
            account.and_then(|account| account.due_date).is_some_and(|due| now > due + Duration::days(3));
        payment.settle_tries = payment.settle_tries.saturating_add(1);
        payment.next_settle_at = (!over).then(|| now + next_delay(payment.settle_tries.saturating_add(4)));
        moves::save(tx, &payment).await
    })
}

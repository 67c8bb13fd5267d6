//! Finds out what became of a payment and finishes it. Unknown never becomes failed because we are tired of asking.

use chrono::{DateTime, Duration, Utc};
use entity::payment::PaymentStatus;
use entity::payment_event::Cause;
use entity::{IdempotencyKey, OrderId, payment};
use sea_orm::{DbErr, EntityTrait};

use super::apply::Heard;
use super::ask::{Attempt, OrderSeen, ask, decline, look_up_order, seen};
use super::{moves, next_delay};
use crate::app::App;
use crate::db::transact;
use crate::due::{self, Duty, Outcome};
use crate::toss::{self, Answer, Class, Failure, Status};

/// How long an authenticated payment waits for its confirmation at Toss; then it is gone for good.
const APPROVAL_WINDOW: Duration = Duration::minutes(10);
/// How often Toss must say that it knows nothing, after the window, before it is believed.
const NOT_FOUND_ENOUGH: i32 = 2;

/// Asks Toss about every payment whose outcome is unknown, and every account that waits for a deposit, where that is due. Returns how many were decided.
///
/// # Errors
/// The database's own; what was decided stays decided.
pub async fn settle_due(app: &App) -> Result<u64, DbErr> {
    due::run::<OpenPayments>(app).await
}

/// The rung of the ladder beyond which a deposit is not looked for more slowly: an hour.
const HOURLY: i32 = 10;

/// Payments whose outcome is unknown, and accounts that wait for a deposit.
#[derive(Debug)]
pub(crate) enum OpenPayments {}

impl Duty for OpenPayments {
    type Table = payment::Entity;
    type Id = OrderId;

    fn id() -> payment::Column {
        payment::Column::OrderId
    }

    fn due() -> payment::Column {
        payment::Column::NextSettleAt
    }

    async fn work(app: &App, order_id: OrderId) -> Result<Outcome, DbErr> {
        settle_one(app, &order_id).await
    }
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
            ask(app, attempt, Cause::Settle).await.map(|told| told.outcome)
        }
        Answer::Error { class: Class::NotFound, .. } if open => nothing_there(app, &attempt).await,
        Answer::Payment(truth) if open && window_open && truth.status == Status::InProgress => {
            ask(app, attempt, Cause::Settle).await.map(|told| told.outcome)
        }
        _ => seen(app, &attempt, answer, Heard { cause: Cause::Settle, asked_at, now }).await,
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
    decline(app, attempt, &failure, None, Heard { cause: Cause::Settle, asked_at: now, now }).await
}

/// Puts the next question off along the ladder. `new_key` when the one that was sent has served.
pub(super) async fn postpone(
    app: &App,
    attempt: &Attempt,
    new_key: bool,
    now: DateTime<Utc>,
) -> Result<Outcome, DbErr> {
    transact!(app.db, |tx| {
        let Some(mut payment) = moves::lock(tx, &attempt.order_id).await? else { return Ok::<_, DbErr>(()) };
        let same = payment.idempotency_key.as_ref() == Some(&attempt.idempotency_key);
        let tries = payment.settle_tries;
        match payment.status {
            PaymentStatus::InProgress if !same => return Ok(()),
            PaymentStatus::InProgress => payment.next_settle_at = Some(now + next_delay(tries)),
            // One that is open only because of a doubt.
            _ if payment.next_settle_at.is_none() => return Ok(()),
            _ => payment.next_settle_at = Some(now + next_delay(tries.saturating_add(4).min(HOURLY))),
        }
        payment.settle_tries = tries.saturating_add(1);
        if new_key && payment.status == PaymentStatus::InProgress {
            payment.idempotency_key = Some(IdempotencyKey::random());
        }
        moves::save(tx, &payment).await
    })?;
    Ok(Outcome::Open)
}

/// Gives the attempt another idempotency key, unless it has been decided or another has taken its place.
pub(super) async fn renew_key(app: &App, attempt: &Attempt) -> Result<(), DbErr> {
    transact!(app.db, |tx| {
        let Some(mut payment) = moves::lock(tx, &attempt.order_id).await? else { return Ok::<_, DbErr>(()) };
        let same = payment.idempotency_key.as_ref() == Some(&attempt.idempotency_key);
        if !same || payment.status != PaymentStatus::InProgress {
            return Ok(());
        }
        payment.idempotency_key = Some(IdempotencyKey::random());
        moves::save(tx, &payment).await
    })
}

/// Deposits are looked for ever more slowly, and no longer once their term is well over.
pub(super) async fn wait_longer(app: &App, attempt: &Attempt, now: DateTime<Utc>) -> Result<(), DbErr> {
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
        payment.next_settle_at =
            (!over).then(|| now + next_delay(payment.settle_tries.saturating_add(4).min(HOURLY)));
        moves::save(tx, &payment).await
    })
}

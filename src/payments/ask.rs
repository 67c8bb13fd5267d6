//! Asks Toss about one attempt and records what it says: the second and third step of a confirmation, and of every later
//! question about it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::payment::PaymentStatus;
use entity::payment_event::Cause;
use entity::{IdempotencyKey, OrderId, PaymentKey, Won, payment};
use sea_orm::DbErr;

use super::apply::{Applied, ApplyError, Difference, Heard, give_up};
use super::moves;
use super::record::{Recorded, record, tell};
use super::settle::{postpone, renew_key, wait_longer};
use crate::app::App;
use crate::db::transact;
use crate::due::Outcome;
use crate::findings::{self, Found};
use crate::toss::{self, Answer, Class, Failure, Status};

/// How long a buyer whom Toss has declined waits for the look-up behind it.
const CHECK_OF_A_NO: Duration = Duration::from_secs(2);

/// One offer of an order to Toss, under one idempotency key.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    /// The order.
    pub order_id: OrderId,
    /// Toss's key of it.
    pub payment_key: PaymentKey,
    amount: Won,
    /// Under which it was sent.
    pub idempotency_key: IdempotencyKey,
    /// When it was claimed.
    pub attempted_at: DateTime<Utc>,
    /// How the payment stood.
    pub status: PaymentStatus,
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
#[derive(Debug)]
pub(super) struct Told {
    /// Whether it decides.
    pub outcome: Outcome,
    /// What has just been recorded, where that is known without another look.
    pub applied: Option<Box<Applied>>,
}

impl From<Outcome> for Told {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, applied: None }
    }
}

/// Asks Toss to confirm `attempt` and records what it says.
///
/// # Errors
/// The database's own; the payment is then found by the settle job.
pub(super) async fn ask(app: &App, attempt: Attempt, cause: Cause) -> Result<Told, DbErr> {
    let confirm = toss::Confirm {
        payment_key: attempt.payment_key.clone(),
        order_id: attempt.order_id.clone(),
        amount: attempt.amount,
    };
    let asked_at = app.clock.now();
    let answer = app.toss.confirm(&confirm, &attempt.idempotency_key).await;
    let heard = Heard { cause, asked_at, now: app.clock.now() };
    match answer {
        Answer::Payment(truth) => record_truth(app, &attempt, &truth, heard).await,
        Answer::Error { class: Class::Declined, failure, .. } if cause == Cause::Confirm => {
            check_no(app, &attempt, &failure, heard).await
        }
        // "Already processed" and the like say where the truth is, not what it is. And a no to a repeated request says
        // nothing of the first one, which may have worked.
        Answer::Error { class: Class::Declined | Class::LookUp, kept, .. } => {
            let outcome = look_again(app, &attempt, cause).await?;
            if outcome == Outcome::Open && kept.needs_new_key(attempt.tries) {
                // Toss would only repeat itself to the old one.
                renew_key(app, &attempt).await?;
            }
            Ok(outcome.into())
        }
        Answer::Error { class: Class::Misconfigured, failure, kept } => {
            let new_key = kept.needs_new_key(attempt.tries);
            misconfigured(app, &attempt, failure, new_key, heard.now).await.map(Told::from)
        }
        Answer::Error { class: Class::Unknown | Class::NotFound, kept, .. } => {
            postpone(app, &attempt, kept.needs_new_key(attempt.tries), heard.now).await.map(Told::from)
        }
        Answer::Silent { .. } | Answer::NotSent { .. } => {
            postpone(app, &attempt, false, heard.now).await.map(Told::from)
        }
    }
}

/// Records a first no. One look-up goes before it: a no names no method, which people want to know, and a payment that
/// went through all the same must not wait for the night to be found. Without an answer in time the no stands.
async fn check_no(app: &App, attempt: &Attempt, failure: &Failure, heard: Heard) -> Result<Told, DbErr> {
    let asked_at = app.clock.now();
    let looked_up = tokio::time::timeout(CHECK_OF_A_NO, app.toss.look_up(&attempt.payment_key)).await;
    let truth = match looked_up {
        Ok(Answer::Payment(truth)) if truth.order_id == attempt.order_id.as_str() => truth,
        Ok(Answer::Payment(_) | Answer::Error { .. } | Answer::Silent { .. } | Answer::NotSent { .. })
        | Err(_) => return decline(app, attempt, failure, None, heard).await.map(Told::from),
    };
    if truth.approved_at.is_some() || truth.status == Status::WaitingForDeposit {
        let heard = Heard { asked_at, now: app.clock.now(), ..heard };
        return record_truth(app, attempt, &truth, heard).await;
    }
    decline(app, attempt, failure, truth.method_for_people(), heard).await.map(Told::from)
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
pub(super) enum OrderSeen {
    /// Something that decides, which has been applied.
    Applied(Outcome),
    /// It holds no money for it, and will not.
    Nothing,
    /// It did not tell, or what it tells decides nothing.
    Undecided,
}

/// Takes over what Toss holds for the order, if money came in by whichever attempt.
pub(super) async fn look_up_order(app: &App, attempt: &Attempt, cause: Cause) -> Result<OrderSeen, DbErr> {
    let asked_at = app.clock.now();
    let truth = match app.toss.look_up_order(&attempt.order_id).await {
        Answer::Payment(truth) => truth,
        Answer::Error { class: Class::NotFound, .. } => return Ok(OrderSeen::Nothing),
        Answer::Error { .. } | Answer::Silent { .. } | Answer::NotSent { .. } => {
            return Ok(OrderSeen::Undecided);
        }
    };
    let own = truth.payment_key == attempt.payment_key.as_str();
    if !own && truth.approved_at.is_some() && truth.balance_amount == 0 {
        // Another attempt, wholly given back.
        return Ok(OrderSeen::Nothing);
    }
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
pub(super) async fn seen(
    app: &App,
    attempt: &Attempt,
    answer: Answer,
    heard: Heard,
) -> Result<Outcome, DbErr> {
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
    findings::note(app, Found::misconfigured(&failure)).await;
    postpone(app, attempt, new_key, now).await?;
    Ok(Outcome::Misconfigured)
}

/// Records what Toss shows, and asks again later where that decides nothing.
async fn apply_truth(
    app: &App,
    attempt: &Attempt,
    truth: &toss::Payment,
    heard: Heard,
) -> Result<Outcome, DbErr> {
    record_truth(app, attempt, truth, heard).await.map(|told| told.outcome)
}

/// [`apply_truth`], which also tells how the payment stands since.
async fn record_truth(
    app: &App,
    attempt: &Attempt,
    truth: &toss::Payment,
    heard: Heard,
) -> Result<Told, DbErr> {
    match record(app, &attempt.order_id, truth, heard).await? {
        Recorded::Stands(applied) => match applied.payment.status {
            PaymentStatus::InProgress => postpone(app, attempt, false, heard.now).await.map(Told::from),
            PaymentStatus::WaitingForDeposit => {
                wait_longer(app, attempt, heard.now).await?;
                let news = attempt.status != applied.payment.status;
                Ok(if news { Outcome::Decided } else { Outcome::Open }.into())
            }
            PaymentStatus::Ready
            | PaymentStatus::Done
            | PaymentStatus::Canceled
            | PaymentStatus::PartialCanceled
            | PaymentStatus::Aborted
            | PaymentStatus::Expired => Ok(Told { outcome: Outcome::Decided, applied: Some(applied) }),
        },
        // The buyer offered the key of something else: this attempt can never become our order's payment.
        Recorded::Refused(ApplyError::Differs(Difference::Order)) => {
            let failure = Failure {
                code: "INVALID_REQUEST".to_owned(),
                message: "다른 주문의 결제 키입니다.".to_owned(),
            };
            decline(app, attempt, &failure, None, heard).await.map(Told::from)
        }
        Recorded::Refused(error) => {
            tell(app, &attempt.order_id, truth, &error).await;
            postpone(app, attempt, false, heard.now).await.map(Told::from)
        }
    }
}

/// Records a definite no to a payment by `method`, where it is known, unless the attempt has been decided otherwise
/// meanwhile.
pub(super) async fn decline(
    app: &App,
    attempt: &Attempt,
    failure: &Failure,
    method: Option<String>,
    heard: Heard,
) -> Result<Outcome, DbErr> {
    let recorded = transact!(app.db, |tx| {
        let Some(mut payment) = moves::lock(tx, &attempt.order_id).await? else { return Ok(()) };
        let same = payment.payment_key.as_ref() == Some(&attempt.payment_key);
        if same && payment.status == PaymentStatus::InProgress {
            payment.payment_method = method.clone().or(payment.payment_method);
            give_up(tx, &mut payment, PaymentStatus::Aborted, failure, heard).await?;
            moves::save(tx, &payment).await?;
        }
        Ok::<_, ApplyError>(())
    });
    match recorded {
        Ok(()) => Ok(Outcome::Decided),
        Err(ApplyError::Database(error)) => Err(error),
        Err(error) => {
            tracing::error!(order_id = %attempt.order_id, %error, "needs a person: a decline cannot be recorded");
            postpone(app, attempt, false, heard.now).await
        }
    }
}

//! Gives money back: reserve (transaction 1), ask Toss (no transaction), record (transaction 2).

use chrono::{DateTime, Utc};
use entity::payment::PaymentStatus;
use entity::refund::RefundStatus;
use entity::{IdempotencyKey, OrderId, RefundId, UserId, Won, payment, refund};
use sea_orm::{ActiveModelTrait, DbErr, EntityTrait, IntoActiveModel};
use tracing::Instrument;

use super::list::pending_of;
use super::settle::{self, OpenRefunds};
use super::window;
use crate::app::App;
use crate::audit::{self, Act, Action, Actor};
use crate::crash::{self, Point};
use crate::db::{Tx, transact};
use crate::due::{self, Outcome};
use crate::idempotency::{self, Claim, ClaimError};
use crate::payments::moves;
use crate::subscriptions::{self, Subscribed};
use crate::toss::{self, Admission, Failure, ReceiveAccount};

/// A wish for money back.
#[derive(Clone, Debug)]
pub struct RequestRefund {
    /// The user that may ask; none when any may.
    pub owner: Option<UserId>,
    /// The order.
    pub order_id: OrderId,
    /// Why, 1 to 200 characters.
    pub reason: String,
    /// How much, in won; none for all that is left.
    pub amount: Option<Won>,
    /// What the caller believes is left, in won: asked for on other terms, nothing goes back. None believes anything.
    pub believed_balance: Option<Won>,
    /// Where the money goes: for a virtual account, and for nothing else.
    pub receive_account: Option<ReceiveAccount>,
    /// The claim under which it is asked for, where the caller sent an `Idempotency-Key`.
    pub claim: Option<Claim>,
    /// Who asks.
    pub actor: Actor,
}

/// A refund, its payment and the subscription as they stand when the caller is answered.
#[derive(Clone, Debug)]
pub struct Refunded {
    /// The refund; while it is `PENDING` the outcome is not known yet.
    pub refund: refund::Model,
    /// The payment.
    pub payment: payment::Model,
    /// What is left of the buyer's subscription, for a plan that sells time.
    pub subscription: Option<Subscribed>,
}

/// Why no money goes back.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No such payment, or not this user's.
    #[error("no such payment")]
    PaymentNotFound,
    /// No money came in, or Toss does not give it back.
    #[error("the payment cannot be refunded")]
    NotRefundable(Option<Failure>),
    /// Nothing is left to give back.
    #[error("already refunded")]
    AlreadyRefunded,
    /// It is too late.
    #[error("the refund window has closed")]
    WindowClosed,
    /// More than what is left.
    #[error("more than the balance")]
    ExceedsBalance,
    /// Not as much is left as the caller believes.
    #[error("the balance is another by now")]
    BalanceMoved,
    /// Another refund of this payment is under way.
    #[error("another refund is under way")]
    Running,
    /// A virtual account was paid, and nobody says where its money goes.
    #[error("an account for the money is needed")]
    AccountMissing,
    /// The money goes back the way it came, to no account.
    #[error("an account makes no sense here")]
    AccountMisplaced,
    /// Toss refuses our key or contract.
    #[error("Toss refuses our key")]
    Misconfigured,
    /// Toss is down, wants a pause, or is waited on by too many.
    #[error(transparent)]
    Unavailable(#[from] toss::Refused),
    /// The caller's key allows no refund any more.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Gives money back once, whoever else asks for the same at the same time.
///
/// # Errors
/// [`RequestError`]. After [`RequestError::Database`], [`RequestError::Misconfigured`] and [`RequestError::Claim`] the refund
/// may have been reserved, and its money may go back all the same: the claim tells whether there is one. After all others
/// nothing of what was asked for goes back.
pub async fn request(
    app: &App,
    command: RequestRefund,
    now: DateTime<Utc>,
) -> Result<Refunded, RequestError> {
    let answered = answer_in_time(app, command, now).await;
    app.metrics.refunds.count(word(&answered));
    answered
}

/// One word for metrics.
fn word(answered: &Result<Refunded, RequestError>) -> &'static str {
    match answered {
        Ok(refunded) if refunded.refund.status == RefundStatus::Done => "done",
        Ok(_) | Err(RequestError::Misconfigured) => "unknown",
        Err(RequestError::NotRefundable(Some(_))) => "declined",
        Err(RequestError::Database(_)) => "failed",
        Err(
            RequestError::PaymentNotFound
            | RequestError::NotRefundable(None)
            | RequestError::AlreadyRefunded
            | RequestError::WindowClosed
            | RequestError::ExceedsBalance
            | RequestError::BalanceMoved
            | RequestError::Running
            | RequestError::AccountMissing
            | RequestError::AccountMisplaced
            | RequestError::Claim(_)
            | RequestError::Unavailable(_),
        ) => "refused",
    }
}

async fn answer_in_time(
    app: &App,
    command: RequestRefund,
    now: DateTime<Utc>,
) -> Result<Refunded, RequestError> {
    let (worker, id) = (app.clone(), RefundId::new());
    let work = async move {
        let reserved = reserve(&worker, id, &command, now).await?;
        crash::point(Point::Reserved);
        let asking = settle::ask(&worker, &reserved.refund);
        let held = due::hold::<OpenRefunds, _>(&worker, id, reserved.lease, asking).await;
        let outcome = held.unwrap_or_else(|error| due::broken_off::<OpenRefunds>(&id, &error));
        if outcome == Outcome::Open {
            due::follow_up::<OpenRefunds>(&worker, id);
        }
        Ok::<_, RequestError>(outcome)
    };
    // A task of its own: a caller that hangs up cancels nothing.
    let task = app.tasks.spawn(work.in_current_span());
    match tokio::time::timeout(app.config.server.answer_within(), task).await {
        Ok(Ok(outcome)) => match outcome? {
            Outcome::Misconfigured => return Err(RequestError::Misconfigured),
            Outcome::Decided | Outcome::Open => {}
        },
        Ok(Err(panicked)) => {
            tracing::error!(refund = %id, error = %panicked, "the refund broke off; settle will finish it");
        }
        Err(_late) => {}
    }
    standing(app, id, app.clock.now()).await
}

/// How the refund `id` stands by now.
///
/// # Errors
/// [`RequestError`], as the request for it would have been answered.
pub async fn standing(app: &App, id: RefundId, now: DateTime<Utc>) -> Result<Refunded, RequestError> {
    let db = app.db.read();
    // Without a refund the reservation itself is late, and only the database can be slow there.
    let late = DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout);
    let refund = refund::Entity::find_by_id(id).one(db).await?.ok_or(late)?;
    let payment = payment::Entity::find_by_id(refund.order_id.clone()).one(db).await?;
    let payment = payment.ok_or(RequestError::PaymentNotFound)?;
    if refund.status == RefundStatus::Failed {
        if payment.balance_amount.is_zero() {
            return Err(RequestError::AlreadyRefunded);
        }
        if refund.amount > payment.balance_amount {
            return Err(RequestError::ExceedsBalance);
        }
        let (code, message) = (refund.failure_code, refund.failure_message);
        let failure = code.map(|code| Failure { code, message: message.unwrap_or_default() });
        return Err(RequestError::NotRefundable(failure));
    }
    let subscription = match payment.interval_months {
        Some(_) => subscriptions::of_user(db, &payment.user_id, now).await?,
        None => None,
    };
    Ok(Refunded { refund, payment, subscription })
}

/// A refund that this call asks Toss for.
struct Reserved {
    refund: refund::Model,
    /// Until when this call counts as alive without a sign.
    lease: DateTime<Utc>,
    /// Its place among those that wait on Toss.
    _admission: Admission,
}

/// Checks the rules and writes the refund as `PENDING`, which reserves its amount.
async fn reserve(
    app: &App,
    id: RefundId,
    command: &RequestRefund,
    now: DateTime<Utc>,
) -> Result<Reserved, RequestError> {
    let window = app.config.billing.refund_window();
    transact!(app.db, |tx| {
        // A lease tells that the process lives, so it counts from here and not from when the caller came.
        let lease = due::lease_from(app.clock.now());
        let found = moves::lock(tx, &command.order_id).await?;
        let owned = found.filter(|found| command.owner.as_ref().is_none_or(|owner| owner == &found.user_id));
        let payment = owned.ok_or(RequestError::PaymentNotFound)?;
        let amount = refundable(tx, &payment, command, window, now).await?;
        let admission = app.toss.admit()?;
        let refund = refund::Model {
            id,
            order_id: payment.order_id,
            amount,
            reason: command.reason.clone(),
            status: RefundStatus::Pending,
            transaction_key: None,
            failure_code: None,
            failure_message: None,
            receive_account: command
                .receive_account
                .as_ref()
                .map(|account| serde_json::json!(account).into()),
            expected_balance: payment.balance_amount,
            idempotency_key: Some(IdempotencyKey::random()),
            next_settle_at: Some(lease),
            settle_tries: 0,
            created_at: now,
            refunded_at: None,
        };
        refund.clone().into_active_model().insert(tx).await?;
        idempotency::made(tx, command.claim.as_ref(), &refund.id).await?;
        audit::write(tx, &command.actor, &act(&refund), now).await?;
        crash::point(Point::ReserveWritten);
        Ok(Reserved { refund, lease, _admission: admission })
    })
}

/// What the audit log tells of a refund: neither its reason, which is in the refund, nor an account.
fn act(refund: &refund::Model) -> Act {
    let act = Act::new(Action::RefundRequest, &refund.order_id);
    act.made(serde_json::json!({"refundId": refund.id.to_string(), "amount": refund.amount.get()}))
}

/// How much may go back, by the rules.
async fn refundable(
    tx: &Tx,
    payment: &payment::Model,
    command: &RequestRefund,
    window: chrono::Duration,
    now: DateTime<Utc>,
) -> Result<Won, RequestError> {
    match payment.status {
        PaymentStatus::Done | PaymentStatus::PartialCanceled | PaymentStatus::Canceled => {}
        PaymentStatus::Ready
        | PaymentStatus::InProgress
        | PaymentStatus::WaitingForDeposit
        | PaymentStatus::Aborted
        | PaymentStatus::Expired => return Err(RequestError::NotRefundable(None)),
    }
    // An account that was cancelled before its deposit never held any money.
    let approved_at = payment.approved_at.ok_or(RequestError::NotRefundable(None))?;
    // Toss may leave `PARTIAL_CANCELED` with nothing left, so the balance decides and not the status.
    if payment.balance_amount.is_zero() {
        return Err(RequestError::AlreadyRefunded);
    }
    if command.believed_balance.is_some_and(|believed| believed != payment.balance_amount) {
        return Err(RequestError::BalanceMoved);
    }
    if !window::is_open(approved_at, window, now) {
        return Err(RequestError::WindowClosed);
    }
    let amount = command.amount.unwrap_or(payment.balance_amount);
    if amount > payment.balance_amount {
        return Err(RequestError::ExceedsBalance);
    }
    match (payment.virtual_account.is_some(), command.receive_account.is_some()) {
        (true, true) | (false, false) => {}
        (true, false) => return Err(RequestError::AccountMissing),
        (false, true) => return Err(RequestError::AccountMisplaced),
    }
    match pending_of(tx, &payment.order_id).await? {
        Some(_) => Err(RequestError::Running),
        None => Ok(amount),
    }
}

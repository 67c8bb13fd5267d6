//! Confirms a payment: claim (transaction 1), ask Toss (no transaction), record (transaction 2). A crash between any
//! two is harmless: from the claim on, the settle job finds out what happened.

use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::payment::PaymentStatus;
use entity::payment_event::Cause;
use entity::{IdempotencyKey, OrderId, PaymentKey, UserId, Won, payment, temp_order};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IntoActiveModel, Statement, Value};
use tracing::Instrument;

use super::apply::{Applied, was_approved};
use super::ask::{self, Attempt};
use super::moves::{self, Reason};
use super::receipt::Receipt;
use super::settle::OpenPayments;
use crate::app::App;
use crate::crash::{self, Point};
use crate::db::{Tx, Writes, columns, transact, unique_violation};
use crate::due::{self, Outcome};
use crate::idempotency::{self, ClaimError};
use crate::toss::{self, Admission, Failure};

/// What a buyer's front end brings back from the payment window.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// The user that may confirm; none when any may (a service names the order alone).
    pub owner: Option<UserId>,
    /// Toss's key of the authenticated payment.
    pub payment_key: PaymentKey,
    /// The order.
    pub order_id: OrderId,
    /// What the client believes to pay; compared, never trusted.
    pub amount: Won,
    /// The claim under which it is asked for, where the caller sent an `Idempotency-Key`.
    pub claim: Option<idempotency::Claim>,
}

impl Confirm {
    /// Whether it may pay an order of `user_id`.
    fn may(&self, user_id: &UserId) -> bool {
        self.owner.as_ref().is_none_or(|owner| owner == user_id)
    }
}

/// How a confirmation stands when its caller is answered.
#[derive(Clone, Debug)]
pub enum Confirmed {
    /// Toss has said yes, or has issued an account to pay into.
    Recorded(Receipt),
    /// The outcome is not known yet; the service finds it out by itself.
    Pending(Receipt),
}

/// Why a payment is not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// No such order, or not this user's.
    #[error("no such order")]
    OrderNotFound,
    /// The order can no longer be paid.
    #[error("the order has expired")]
    OrderExpired,
    /// The client's amount is not the quoted one.
    #[error("the amount is not the order's")]
    AmountMismatch,
    /// The payment key is another order's, or the order is being paid with another key.
    #[error("the payment key belongs elsewhere")]
    PaymentKeyConflict,
    /// Toss said a definite no.
    #[error("Toss rejected the payment: {}", .0.code)]
    Rejected(Failure),
    /// Toss refuses our key or contract.
    #[error("Toss refuses our key")]
    Misconfigured,
    /// Toss is down, wants a pause, or is waited on by too many.
    #[error(transparent)]
    Unavailable(#[from] toss::Refused),
    /// The caller's key allows no confirmation any more.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Charges what `command` says, once, whoever else asks for the same at the same time.
///
/// # Errors
/// [`ConfirmError`]. Toss is not called for any but `Rejected`, `Misconfigured` and `Database`, and nothing is claimed for
/// `Unavailable`. After `Database` the same confirmation tells how it stands.
pub async fn confirm(app: &App, command: Confirm, now: DateTime<Utc>) -> Result<Confirmed, ConfirmError> {
    confirm_within(app, command, now, app.config.server.answer_within()).await
}

/// Like [`confirm`], for a caller that waits no longer than `patience`; the work goes on.
///
/// # Errors
/// [`ConfirmError`].
pub async fn confirm_within(
    app: &App,
    command: Confirm,
    now: DateTime<Utc>,
    patience: Duration,
) -> Result<Confirmed, ConfirmError> {
    let patience = patience.min(app.config.server.answer_within());
    let answered = answer_in_time(app, command, now, patience).await;
    app.metrics.confirmations.count(word(&answered));
    answered
}

/// One word for metrics.
fn word(answered: &Result<Confirmed, ConfirmError>) -> &'static str {
    match answered {
        Ok(Confirmed::Recorded(receipt)) if receipt.payment.status == PaymentStatus::WaitingForDeposit => {
            "issued"
        }
        Ok(Confirmed::Recorded(_)) => "approved",
        Ok(Confirmed::Pending(_)) | Err(ConfirmError::Misconfigured) => "unknown",
        Err(ConfirmError::Rejected(_)) => "declined",
        Err(ConfirmError::Database(_)) => "failed",
        Err(
            ConfirmError::OrderNotFound
            | ConfirmError::OrderExpired
            | ConfirmError::AmountMismatch
            | ConfirmError::PaymentKeyConflict
            | ConfirmError::Claim(_)
            | ConfirmError::Unavailable(_),
        ) => "refused",
    }
}

async fn answer_in_time(
    app: &App,
    command: Confirm,
    now: DateTime<Utc>,
    patience: Duration,
) -> Result<Confirmed, ConfirmError> {
    let worker = app.clone();
    let Confirm { owner, payment_key, order_id, amount, claim: _ } = command.clone();
    let work = async move { claim_and_ask(&worker, &command, now).await };
    // A task of its own: a caller that hangs up cancels nothing.
    let task = app.tasks.spawn(work.in_current_span());
    let claimed = match tokio::time::timeout(patience, task).await {
        Ok(Ok(outcome)) => match outcome? {
            Asked::Misconfigured => return Err(ConfirmError::Misconfigured),
            Asked::Applied(applied) => {
                return standing_of(app, *applied, app.clock.now()).await;
            }
            Asked::Recorded => true,
        },
        Ok(Err(panicked)) => {
            tracing::error!(%order_id, error = %panicked, "the confirmation broke off; settle will finish it");
            false
        }
        Err(_late) => false,
    };
    let found = payment::Entity::find_by_id(order_id).one(app.db.read()).await?;
    // A late claim may have checked nothing yet, so only this very attempt may be shown.
    let own = found.filter(|payment| {
        claimed
            || owner.as_ref().is_none_or(|owner| owner == &payment.user_id)
                && payment.payment_key.as_ref() == Some(&payment_key)
                && payment.amount == amount
    });
    // Without it the claim itself is late, and only the database can be slow there.
    let late = DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout);
    let payment = own.ok_or(late)?;
    standing_of(app, Applied { payment, gave: None }, app.clock.now()).await
}

/// How the payment of `order_id` stands by now, as its confirmation would have been answered.
///
/// # Errors
/// [`ConfirmError`].
pub async fn standing(app: &App, order_id: OrderId, now: DateTime<Utc>) -> Result<Confirmed, ConfirmError> {
    let found = payment::Entity::find_by_id(order_id).one(app.db.read()).await?;
    let payment = found.ok_or(ConfirmError::OrderNotFound)?;
    standing_of(app, Applied { payment, gave: None }, now).await
}

/// What became of a confirmation.
#[derive(Debug)]
enum Asked {
    /// This, which has just been written.
    Applied(Box<Applied>),
    /// The payment tells how it stands.
    Recorded,
    /// Toss refuses our key or contract.
    Misconfigured,
}

async fn claim_and_ask(app: &App, command: &Confirm, now: DateTime<Utc>) -> Result<Asked, ConfirmError> {
    match claim(app, command, now).await? {
        Claim::Standing => Ok(Asked::Recorded),
        Claim::Ours(ours) => {
            crash::point(Point::Claimed);
            let order_id = ours.attempt.order_id.clone();
            let asking = ask::ask(app, ours.attempt, Cause::Confirm);
            let held = due::hold::<OpenPayments, _>(app, order_id.clone(), ours.lease, asking).await;
            let told = held.unwrap_or_else(|error| due::broken_off::<OpenPayments>(&order_id, &error).into());
            match (told.outcome, told.applied) {
                (_, Some(applied)) => Ok(Asked::Applied(applied)),
                (Outcome::Misconfigured, None) => Ok(Asked::Misconfigured),
                (Outcome::Decided, None) => Ok(Asked::Recorded),
                (Outcome::Open, None) => {
                    due::follow_up::<OpenPayments>(app, order_id);
                    Ok(Asked::Recorded)
                }
            }
        }
    }
}

/// What the payment says by now.
async fn standing_of(app: &App, applied: Applied, now: DateTime<Utc>) -> Result<Confirmed, ConfirmError> {
    match applied.payment.status {
        PaymentStatus::Aborted | PaymentStatus::Expired => Err(ConfirmError::Rejected(Failure {
            code: applied.payment.failure_code.unwrap_or_default(),
            message: applied.payment.failure_message.unwrap_or_default(),
        })),
        PaymentStatus::Ready | PaymentStatus::InProgress => {
            Ok(Confirmed::Pending(Receipt::with(app, applied, now).await?))
        }
        PaymentStatus::WaitingForDeposit
        | PaymentStatus::Done
        | PaymentStatus::Canceled
        | PaymentStatus::PartialCanceled => Ok(Confirmed::Recorded(Receipt::with(app, applied, now).await?)),
    }
}

/// What a claim finds.
enum Claim {
    /// This call is the one that asks Toss.
    Ours(Box<Ours>),
    /// This very attempt was claimed before; its payment tells how it stands.
    Standing,
}

/// What this call has claimed.
struct Ours {
    attempt: Attempt,
    /// Until when it counts as alive without a sign.
    lease: DateTime<Utc>,
    /// Its place among those that wait on Toss.
    _admission: Admission,
}

async fn claim(app: &App, command: &Confirm, now: DateTime<Utc>) -> Result<Claim, ConfirmError> {
    match claim_once(app, command, now).await {
        // Another claim came first and has just committed: of this order, or of another with this key. The next look sees it.
        Err(ConfirmError::Database(error)) if unique_violation(&error) => {}
        claimed => return claimed,
    }
    match claim_once(app, command, now).await {
        Err(ConfirmError::Database(error)) if unique_violation(&error) => {
            Err(ConfirmError::PaymentKeyConflict)
        }
        claimed => claimed,
    }
}

async fn claim_once(app: &App, command: &Confirm, now: DateTime<Utc>) -> Result<Claim, ConfirmError> {
    transact!(app.db, |tx| {
        // A lease tells that the process lives, so it counts from here and not from when the caller came.
        let lease = due::lease_from(app.clock.now());
        let found = claim_in(tx, app, command, (lease, now)).await?;
        crash::point(Point::ClaimWritten);
        Ok(found)
    })
}

async fn claim_in(
    tx: &Tx,
    app: &App,
    command: &Confirm,
    (lease, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Claim, ConfirmError> {
    let quoted = quoted(tx, command).await?;
    let fresh = quoted.as_ref().is_some_and(|quoted| !quoted.claimed && command.may(&quoted.order.user_id));
    // Of an order that is not the caller's as much is read as of one that nobody has: a stranger learns nothing from how
    // long it takes either.
    let known = if fresh { None } else { moves::lock(tx, &command.order_id).await? };
    if let Some(payment) = known {
        return claim_again(tx, app, command, (payment, quoted), (lease, now)).await;
    }
    let order = payable(command, quoted, now)?;
    let admission = app.toss.admit()?;
    let payment = first_attempt(command, order, lease, now);
    let mut writes = Writes::default();
    writes.add(payment::Entity::insert(payment.clone().into_active_model()));
    moves::add_first(&mut writes, &payment, Reason { cause: Cause::Confirm, failure: None, now });
    keep(tx, writes, command).await?;
    asks(&payment, lease, admission)
}

/// Keeps `writes`, which claim, under the caller's key if there is one.
async fn keep(tx: &Tx, writes: Writes, command: &Confirm) -> Result<(), ConfirmError> {
    writes.run(tx).await?;
    Ok(idempotency::made(tx, command.claim.as_ref(), &command.order_id).await?)
}

/// The order was claimed before: by this key, or by one that failed.
async fn claim_again(
    tx: &Tx,
    app: &App,
    command: &Confirm,
    (mut payment, quoted): (payment::Model, Option<Quoted>),
    (lease, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Claim, ConfirmError> {
    if !command.may(&payment.user_id) {
        return Err(ConfirmError::OrderNotFound);
    }
    if command.amount != payment.amount {
        return Err(ConfirmError::AmountMismatch);
    }
    let open = matches!(payment.status, PaymentStatus::InProgress | PaymentStatus::WaitingForDeposit);
    let same = payment.payment_key.as_ref() == Some(&command.payment_key);
    if same || open || was_approved(payment.status) {
        // Another attempt of the same order may be the one that worked.
        if !same && !moves::offered(tx, &command.order_id, &command.payment_key).await? {
            return Err(ConfirmError::PaymentKeyConflict);
        }
        keep(tx, Writes::default(), command).await?;
        return Ok(Claim::Standing);
    }
    // The quote was read before the payment was locked: if its user has been erased since, nobody could use what is bought.
    let quoted = quoted.filter(|quoted| quoted.order.user_id == payment.user_id);
    payable(command, quoted, now).map_err(|error| match error {
        // A payment outlives its temp order, which is purged once it has expired.
        ConfirmError::OrderNotFound => ConfirmError::OrderExpired,
        other => other,
    })?;
    let admission = app.toss.admit()?;
    let before = payment.clone();
    payment.payment_key = Some(command.payment_key.clone());
    payment.idempotency_key = Some(IdempotencyKey::random());
    payment.attempt += 1;
    payment.attempted_at = Some(now);
    payment.next_settle_at = Some(lease);
    (payment.settle_tries, payment.not_found_count) = (0, 0);
    (payment.failure_code, payment.failure_message) = (None, None);
    // The method was that of the attempt before.
    payment.payment_method = None;
    let reason = Reason { cause: Cause::Confirm, failure: None, now };
    let last = moves::last(tx, &command.order_id).await?;
    let mut writes = Writes::default();
    moves::add(&mut writes, &mut payment, last, (PaymentStatus::InProgress, Won::ZERO), reason);
    writes.change(&before, &payment)?;
    keep(tx, writes, command).await?;
    asks(&payment, lease, admission)
}

fn asks(payment: &payment::Model, lease: DateTime<Utc>, admission: Admission) -> Result<Claim, ConfirmError> {
    let attempt = Attempt::of(payment).ok_or(ConfirmError::OrderNotFound)?;
    Ok(Claim::Ours(Box::new(Ours { attempt, lease, _admission: admission })))
}

/// A quoted order and who stands in the way of paying it.
struct Quoted {
    order: temp_order::Model,
    /// It has a payment by now.
    claimed: bool,
    /// The payment key is in use for another order.
    elsewhere: bool,
}

/// The quoted order of `command`.
async fn quoted(tx: &Tx, command: &Confirm) -> Result<Option<Quoted>, DbErr> {
    let values: [Value; 2] = [command.order_id.clone().into(), command.payment_key.clone().into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), QUOTED.as_str(), values);
    let Some(row) = tx.query_one_raw(statement).await? else { return Ok(None) };
    Ok(Some(Quoted {
        order: temp_order::Model::from_query_result(&row, "t_")?,
        claimed: row.try_get("", "claimed")?,
        elsewhere: row.try_get("", "elsewhere")?,
    }))
}

static QUOTED: LazyLock<String> = LazyLock::new(|| {
    // The status in the index's own words, or SQLite would not use it.
    format!(
        "SELECT {}, EXISTS (SELECT 1 FROM payment p WHERE p.order_id = t.order_id) AS claimed,
            EXISTS (SELECT 1 FROM payment p WHERE p.payment_key = $2 AND p.status NOT IN ('ABORTED', 'EXPIRED')
                AND p.order_id <> $1) AS elsewhere
        FROM temp_order t WHERE t.order_id = $1",
        columns::<temp_order::Entity>("t"),
    )
});

/// The quoted order, if it is this user's, can still be paid and costs what the client believes.
fn payable(
    command: &Confirm,
    quoted: Option<Quoted>,
    now: DateTime<Utc>,
) -> Result<temp_order::Model, ConfirmError> {
    let Quoted { order, claimed: _, elsewhere } = quoted.ok_or(ConfirmError::OrderNotFound)?;
    if !command.may(&order.user_id) {
        return Err(ConfirmError::OrderNotFound);
    }
    if now >= order.expires_at {
        return Err(ConfirmError::OrderExpired);
    }
    if command.amount != order.total_amount {
        return Err(ConfirmError::AmountMismatch);
    }
    if elsewhere { Err(ConfirmError::PaymentKeyConflict) } else { Ok(order) }
}

fn first_attempt(
    command: &Confirm,
    order: temp_order::Model,
    lease: DateTime<Utc>,
    now: DateTime<Utc>,
) -> payment::Model {
    payment::Model {
        payment_key: Some(command.payment_key.clone()),
        idempotency_key: Some(IdempotencyKey::random()),
        attempt: 1,
        attempted_at: Some(now),
        next_settle_at: Some(lease),
        ..moves::unpaid(order, PaymentStatus::InProgress, now)
    }
}

//! The one place where what Toss says becomes state. Applying the same truth twice, or an old one after a new one,
//! changes nothing.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::payment::PaymentStatus;
use entity::payment_event::Cause;
use entity::{OrderId, PaymentKey, Won, WonChange, payment, plan, temp_order};
use sea_orm::{DbErr, EntityTrait};
use secrecy::ExposeSecret;

use super::moves::{self, Reason};
use crate::db::{Tx, Writes};
use crate::subscriptions::{Held, PeriodError};
use crate::toss::{self, Failure, Status};
use crate::{compensations, event_amounts, refunds, subscriptions};

/// Why what Toss says cannot be applied. Nothing is kept then, and the payment stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
    /// The time that it buys cannot be laid out.
    #[error(transparent)]
    Period(PeriodError),
    /// We hold no such payment.
    #[error("no payment {0}")]
    Unknown(OrderId),
    /// The order is paid by another attempt, and this one was approved as well.
    #[error("the order is paid already, and Toss approved another attempt of it as well")]
    SecondApproval,
    /// Toss's payment is not the one that we hold: other key, order, amount or currency.
    #[error("Toss's payment differs from ours: {0:?}")]
    Differs(Difference),
}

/// In what Toss's payment differs from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It is another order's.
    Order,
    /// Its key was never offered for this order.
    PaymentKey,
    /// Its total is not the order's price.
    Amount,
    /// It is not in won.
    Currency,
    /// It shows less money than its cancels explain.
    Balance,
    /// A cancel is larger than what was left.
    Cancel,
}

impl From<PeriodError> for ApplyError {
    fn from(error: PeriodError) -> Self {
        match error {
            PeriodError::Database(error) => Self::Database(error),
            PeriodError::Beyond(_) | PeriodError::TooFar | PeriodError::SellsNoTime(_) => Self::Period(error),
        }
    }
}

/// Who heard it from Toss, and when it is now.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// What made us ask.
    pub cause: Cause,
    /// When the question left: what was true then may be old by now.
    pub asked_at: DateTime<Utc>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// A payment to which what Toss says has been applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The payment as it stands.
    pub payment: payment::Model,
    /// What its buyer holds, where just this has been written.
    pub(crate) gave: Option<Held>,
}

/// Applies Toss's `truth` about `order_id` to the books, and returns the payment as it stands afterwards.
///
/// # Errors
/// [`ApplyError`]; nothing is kept then.
pub async fn apply(
    tx: &Tx,
    zone: Tz,
    order_id: &OrderId,
    truth: &toss::Payment,
    heard: Heard,
) -> Result<Applied, ApplyError> {
    let (mut payment, plan) = match truth.approved_at {
        Some(_) => moves::lock_with_buyer(tx, order_id).await?.map(|(payment, plan)| (payment, Some(plan))),
        None => moves::lock(tx, order_id).await?.map(|payment| (payment, None)),
    }
    .ok_or_else(|| ApplyError::Unknown(order_id.clone()))?;
    let mut gave = None;
    let before = payment.clone();
    let mut kept = before.clone();
    if about(tx, &mut payment, truth, heard).await? == About::Superseded {
        return Ok(Applied { payment, gave });
    }
    let same_attempt = payment.payment_key == before.payment_key;
    if same_attempt && deposit_contradicts(&payment, truth) {
        // Deposits come and go, so only an answer to a question that left after the books last changed may turn them.
        if heard.asked_at < payment.updated_at {
            payment.next_settle_at = Some(heard.now + super::next_delay(0));
            moves::save(tx, &payment).await?;
            return Ok(Applied { payment, gave });
        }
        if payment.status == PaymentStatus::Done {
            reverse(tx, zone, &mut payment, heard).await?;
            refunds::nothing_to_give_back(tx, order_id).await?;
            kept = payment.clone();
        }
    } else if same_attempt && deposit_came_again(&payment, truth) {
        // A refund that waits for its outcome is of the deposit that is there now.
        reverse(tx, zone, &mut payment, heard).await?;
        kept = payment.clone();
    }
    match truth.status {
        Status::Done | Status::PartialCanceled | Status::Canceled if truth.approved_at.is_some() => {
            if !was_approved(payment.status) {
                gave = approve(tx, zone, (&kept, &mut payment, plan.as_ref()), truth, heard).await?;
                kept = payment.clone();
            }
            if refunds::apply_cancels(tx, zone, &mut payment, truth, heard).await? {
                gave = None;
            }
            // An older truth can only show more money, never less.
            if truth.balance_amount < payment.balance_amount.get() {
                return Err(ApplyError::Differs(Difference::Balance));
            }
        }
        Status::WaitingForDeposit => wait_for_deposit(tx, &mut payment, truth, heard).await?,
        // Cancelled before any money came: nothing was ever paid, so nothing is refunded.
        Status::Canceled => close(tx, &mut payment, PaymentStatus::Canceled, truth, heard).await?,
        Status::Aborted => close(tx, &mut payment, PaymentStatus::Aborted, truth, heard).await?,
        Status::Expired => close(tx, &mut payment, PaymentStatus::Expired, truth, heard).await?,
        Status::Ready | Status::InProgress | Status::Done | Status::PartialCanceled | Status::Unlisted => {}
    }
    if !matches!(payment.status, PaymentStatus::InProgress | PaymentStatus::WaitingForDeposit) {
        // Whatever question was still open has been answered.
        payment.next_settle_at = None;
    }
    if payment != kept {
        payment.updated_at = heard.now;
        moves::save(tx, &payment).await?;
    }
    Ok(Applied { payment, gave })
}

/// Whether money came in at some time.
pub fn was_approved(status: PaymentStatus) -> bool {
    match status {
        PaymentStatus::Done | PaymentStatus::Canceled | PaymentStatus::PartialCanceled => true,
        PaymentStatus::Ready
        | PaymentStatus::InProgress
        | PaymentStatus::WaitingForDeposit
        | PaymentStatus::Aborted
        | PaymentStatus::Expired => false,
    }
}

/// Which of our attempts Toss's payment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// The one that counts.
    Newest,
    /// An earlier one that holds no money: whatever became of it, the order goes on without it.
    Superseded,
}

/// Which attempt of `payment` it is that `truth` is about. An earlier one that was approved after all takes the newest
/// one's place, unless that has been paid as well.
async fn about(
    tx: &Tx,
    payment: &mut payment::Model,
    truth: &toss::Payment,
    heard: Heard,
) -> Result<About, ApplyError> {
    if payment.order_id.as_str() != truth.order_id {
        return Err(ApplyError::Differs(Difference::Order));
    }
    let newest = payment.payment_key.as_ref().is_some_and(|key| key.as_str() == truth.payment_key);
    let key = truth.payment_key.parse::<PaymentKey>().ok();
    if !newest {
        let known = match &key {
            Some(key) => moves::offered(tx, &payment.order_id, key).await?,
            None => false,
        };
        if !known {
            return Err(ApplyError::Differs(Difference::PaymentKey));
        }
        let holds_money = truth.approved_at.is_some() && truth.balance_amount > 0;
        // Money that came and went leaves its trace, unless another attempt is under way or has been paid.
        let trace = truth.approved_at.is_some()
            && matches!(payment.status, PaymentStatus::Aborted | PaymentStatus::Expired);
        if !holds_money && !trace {
            return Ok(About::Superseded);
        }
    }
    // Of an attempt that came to nothing Toss may show any amount and currency.
    let nothing = truth.approved_at.is_none()
        && matches!(truth.status, Status::Aborted | Status::Expired | Status::Canceled);
    let rules = [
        (payment.amount.get() == truth.total_amount, Difference::Amount),
        (truth.currency == "KRW", Difference::Currency),
    ];
    if let Some((_, difference)) = rules.into_iter().find(|(same, _)| !same && !nothing) {
        return Err(ApplyError::Differs(difference));
    }
    if !newest {
        if was_approved(payment.status) {
            return Err(ApplyError::SecondApproval);
        }
        tracing::warn!(order_id = %payment.order_id, "an earlier attempt was approved after all");
        let newest = std::mem::replace(&mut payment.payment_key, key);
        let may_come = matches!(payment.status, PaymentStatus::InProgress | PaymentStatus::WaitingForDeposit);
        if let Some(newest) = newest.filter(|_| may_come) {
            // Nobody would ask about it any more, and it may be approved as well.
            compensations::displaced(tx, payment, newest, heard.now).await?;
        }
    }
    Ok(About::Newest)
}

/// The money is there: the buyer gets what it buys, all in this transaction. Returns what the buyer of time holds then.
/// `kept` is the payment as the books have it.
async fn approve(
    tx: &Tx,
    zone: Tz,
    (kept, payment, plan): (&payment::Model, &mut payment::Model, Option<&plan::Model>),
    truth: &toss::Payment,
    heard: Heard,
) -> Result<Option<Held>, ApplyError> {
    let (Some(approved_at), Some(plan)) = (truth.approved_at, plan) else { return Ok(None) };
    describe(payment, truth);
    payment.approved_at = Some(approved_at);
    (payment.failure_code, payment.failure_message) = (None, None);
    payment.next_settle_at = None;
    let reason = Reason { cause: heard.cause, failure: None, now: heard.now };
    let to = (PaymentStatus::Done, payment.amount);
    let (mut writes, mut gave) = (Writes::default(), None);
    if payment.interval_months.is_some() {
        let found = subscriptions::extendable(tx, payment).await?;
        moves::add(&mut writes, payment, found.last_move, to, reason);
        // A period refers to its payment, which must satisfy its own checks by then.
        writes.change(kept, payment)?;
        // What has been given back in full before we ever saw it buys nothing.
        if truth.balance_amount > 0 {
            let times = (approved_at, heard.now);
            gave = Some(subscriptions::append(&mut writes, zone, (payment, plan), found, times)?);
        }
    } else {
        let last = moves::last(tx, &payment.order_id).await?;
        let moved = moves::add(&mut writes, payment, last, to, reason);
        writes.change(kept, payment)?;
        event_amounts::add(&mut writes, &payment.order_id, moved, WonChange::plus(payment.amount), heard.now);
    }
    writes.add(temp_order::Entity::delete_by_id(payment.order_id.clone()));
    writes.run(tx).await?;
    Ok(gave)
}

/// Whether Toss says the opposite of a deposit into a virtual account than the books do: it came, or the bank took it back.
fn deposit_contradicts(payment: &payment::Model, truth: &toss::Payment) -> bool {
    let (paid, unpaid) = match truth.status {
        Status::WaitingForDeposit | Status::Expired | Status::Aborted => (false, true),
        Status::Canceled => (truth.approved_at.is_some(), truth.approved_at.is_none()),
        Status::Done | Status::PartialCanceled => (truth.approved_at.is_some(), false),
        Status::Ready | Status::InProgress | Status::Unlisted => (false, false),
    };
    payment.virtual_account.is_some()
        && (payment.status == PaymentStatus::Done && unpaid
            || payment.status == PaymentStatus::WaitingForDeposit && paid)
}

/// Whether Toss shows another deposit than the one that the books hold: that one was taken back in between.
fn deposit_came_again(payment: &payment::Model, truth: &toss::Payment) -> bool {
    let later = payment.approved_at.zip(truth.approved_at).is_some_and(|(ours, theirs)| ours < theirs);
    payment.virtual_account.is_some() && payment.status == PaymentStatus::Done && later
}

/// The money is gone again, and with it what it bought.
async fn reverse(tx: &Tx, zone: Tz, payment: &mut payment::Model, heard: Heard) -> Result<(), ApplyError> {
    tracing::warn!(order_id = %payment.order_id, "the bank took a deposit back");
    let minus = WonChange::minus(payment.balance_amount);
    payment.approved_at = None;
    payment.settle_tries = 0;
    payment.next_settle_at = Some(heard.now + super::next_delay(5));
    let reason = Reason { cause: heard.cause, failure: None, now: heard.now };
    let moved = moves::record(tx, payment, (PaymentStatus::WaitingForDeposit, Won::ZERO), reason).await?;
    moves::save(tx, payment).await?;
    if payment.interval_months.is_some() {
        subscriptions::revoke(tx, zone, &payment.user_id, &payment.order_id, heard.now).await?;
    } else {
        event_amounts::enter(tx, &payment.order_id, moved, minus, heard.now).await?;
    }
    Ok(())
}

/// An account was issued; the order is taken, the money is not there yet.
async fn wait_for_deposit(
    tx: &Tx,
    payment: &mut payment::Model,
    truth: &toss::Payment,
    heard: Heard,
) -> Result<(), ApplyError> {
    if was_approved(payment.status) {
        tracing::warn!(order_id = %payment.order_id, "Toss waits for a deposit that we hold as paid; left as it is");
        return Ok(());
    }
    describe(payment, truth);
    if payment.status == PaymentStatus::WaitingForDeposit {
        return Ok(());
    }
    payment.toss_secret = truth.secret.as_ref().map(|secret| secret.expose_secret().to_owned().into());
    payment.settle_tries = 0;
    payment.next_settle_at = Some(heard.now + super::next_delay(5));
    let reason = Reason { cause: heard.cause, failure: None, now: heard.now };
    moves::record(tx, payment, (PaymentStatus::WaitingForDeposit, Won::ZERO), reason).await?;
    temp_order::Entity::delete_by_id(payment.order_id.clone()).exec(tx).await?;
    Ok(())
}

/// Toss will take no money for this attempt.
async fn close(
    tx: &Tx,
    payment: &mut payment::Model,
    status: PaymentStatus,
    truth: &toss::Payment,
    heard: Heard,
) -> Result<(), ApplyError> {
    match payment.status {
        PaymentStatus::InProgress | PaymentStatus::WaitingForDeposit | PaymentStatus::Ready => {}
        PaymentStatus::Aborted | PaymentStatus::Expired => return Ok(()),
        PaymentStatus::Done | PaymentStatus::Canceled | PaymentStatus::PartialCanceled => {
            tracing::warn!(order_id = %payment.order_id, ?status, "a late report contradicts an approval; left as it is");
            return Ok(());
        }
    }
    describe(payment, truth);
    let wire = truth.failure.as_ref();
    let failure = Failure {
        code: wire
            .and_then(|failure| failure.code.clone())
            .unwrap_or_else(|| format!("{status:?}").to_uppercase()),
        message: wire.and_then(|failure| failure.message.clone()).unwrap_or_default(),
    };
    give_up(tx, payment, status, &failure, heard).await
}

/// Closes the attempt with a definite no.
pub(super) async fn give_up(
    tx: &Tx,
    payment: &mut payment::Model,
    status: PaymentStatus,
    failure: &Failure,
    heard: Heard,
) -> Result<(), ApplyError> {
    payment.failure_code = Some(failure.code.clone());
    payment.failure_message = Some(failure.message.clone());
    payment.next_settle_at = None;
    let reason = Reason { cause: heard.cause, failure: Some(failure), now: heard.now };
    moves::record(tx, payment, (status, Won::ZERO), reason).await?;
    Ok(())
}

/// Copies what Toss tells about the method.
fn describe(payment: &mut payment::Model, truth: &toss::Payment) {
    payment.payment_method = truth.method_for_people();
    payment.receipt_url = truth.receipt_url().map(str::to_owned);
    payment.requested_at = truth.requested_at;
    payment.virtual_account = truth.virtual_account().and_then(|account| serde_json::to_value(account).ok());
    if payment.user_id.is_erased() {
        super::forget(payment);
    }
}

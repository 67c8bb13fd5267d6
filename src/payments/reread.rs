//! Reads one payment again from Toss, however it stands here, and applies what Toss says: for webhooks, for reconcile
//! and for people. It only asks; it never sends a confirmation or a cancel again.

use chrono::{DateTime, Utc};
use entity::payment_event::Cause;
use entity::{OrderId, PaymentKey, payment};
use sea_orm::{DbErr, EntityTrait};

use super::apply::{ApplyError, Difference, Heard};
use super::record::{Recorded, record, tell};
use crate::app::App;
use crate::toss::{self, Answer, Class, Failure, Status};

/// What reading a payment again brought.
#[derive(Debug)]
pub enum Reread {
    /// Toss shows a payment of the order, and the books have taken it in, which may have changed nothing.
    Applied {
        /// Our payment before.
        before: Box<payment::Model>,
        /// Our payment now. It is still `IN_PROGRESS` where what Toss shows decides nothing.
        after: Box<payment::Model>,
        /// What Toss shows.
        truth: Box<toss::Payment>,
    },
    /// Toss shows a payment that cannot be that of the order; nothing was kept.
    Refused {
        /// Our payment.
        ours: Box<payment::Model>,
        /// What Toss shows.
        truth: Box<toss::Payment>,
        /// Why it cannot be applied; never the database's own.
        error: ApplyError,
    },
    /// Toss says that it holds no payment by the key and no money for the order. Nothing was changed: whether to
    /// believe it is for the caller, who knows what may still be under way.
    Nothing {
        /// Our payment.
        ours: Box<payment::Model>,
    },
    /// Toss did not tell; a later question may.
    Untold {
        /// What went wrong, for operators.
        cause: String,
    },
    /// Toss refuses our key or contract.
    Misconfigured(Failure),
    /// We hold no such payment; Toss was not asked.
    Unknown,
}

/// Asks Toss about the payment of `order_id`, in whatever state it is here, applies the answer because of `cause`, and
/// writes down for people what cannot be applied.
///
/// # Errors
/// The database's own; nothing is kept then.
pub async fn reread(app: &App, order_id: &OrderId, cause: Cause) -> Result<Reread, DbErr> {
    reread_key(app, order_id, None, cause).await
}

/// Like [`reread`], but about `payment_key`, or the books' own where it is none.
///
/// # Errors
/// The database's own; nothing is kept then.
pub async fn reread_key(
    app: &App,
    order_id: &OrderId,
    payment_key: Option<&PaymentKey>,
    cause: Cause,
) -> Result<Reread, DbErr> {
    let reread = reread_quietly(app, order_id, payment_key, cause).await?;
    if let Reread::Refused { ours, truth, error } = &reread {
        // A buyer can offer the key of something else, which means nothing while no money is involved.
        let strange = matches!(error, ApplyError::Differs(Difference::Order));
        if strange && ours.balance_amount.is_zero() {
            return Ok(reread);
        }
        tell(app, order_id, truth, error).await;
    }
    Ok(reread)
}

/// Like [`reread`], but about `payment_key`, or the books' own where it is none, and without a word to people: for
/// callers that report what they find themselves.
///
/// # Errors
/// The database's own; nothing is kept then.
pub async fn reread_quietly(
    app: &App,
    order_id: &OrderId,
    payment_key: Option<&PaymentKey>,
    cause: Cause,
) -> Result<Reread, DbErr> {
    let found = payment::Entity::find_by_id(order_id.clone()).one(app.db.read()).await?;
    let Some(ours) = found.map(Box::new) else { return Ok(Reread::Unknown) };
    let (truth, asked_at) = match ask(app, &ours, payment_key).await {
        Told::Payment(truth, asked_at) => (truth, asked_at),
        Told::Nothing => return Ok(Reread::Nothing { ours }),
        Told::Untold(cause) => return Ok(Reread::Untold { cause }),
        Told::Misconfigured(failure) => return Ok(Reread::Misconfigured(failure)),
    };
    let heard = Heard { cause, asked_at, now: app.clock.now() };
    match record(app, order_id, &truth, heard).await? {
        Recorded::Stands(applied) => {
            Ok(Reread::Applied { before: ours, after: Box::new(applied.payment), truth })
        }
        Recorded::Refused(error) => Ok(Reread::Refused { ours, truth, error }),
    }
}

/// What Toss tells.
enum Told {
    /// A payment, and when the question about it left.
    Payment(Box<toss::Payment>, DateTime<Utc>),
    /// That there is none.
    Nothing,
    /// Nothing that helps.
    Untold(String),
    /// That our key is wrong.
    Misconfigured(Failure),
}

/// Looks the payment up by its key, and by its order where the key leads to no money: another attempt of the same order
/// may be the one that worked.
async fn ask(app: &App, ours: &payment::Model, payment_key: Option<&PaymentKey>) -> Told {
    let key = payment_key.or(ours.payment_key.as_ref());
    let by_key = match key {
        Some(key) => {
            let asked_at = app.clock.now();
            told(app.toss.look_up(key).await, asked_at)
        }
        None => Told::Nothing,
    };
    let other_attempts = ours.attempt > 1 || key != ours.payment_key.as_ref();
    match &by_key {
        Told::Nothing => {}
        Told::Payment(truth, _) if other_attempts && no_money(truth) => {}
        Told::Payment(..) | Told::Untold(_) | Told::Misconfigured(_) => return by_key,
    }
    let asked_at = app.clock.now();
    match told(app.toss.look_up_order(&ours.order_id).await, asked_at) {
        // Another attempt that was not approved says nothing about this one.
        Told::Payment(truth, _) if truth.approved_at.is_none() && !is_of(&truth, key) => by_key,
        Told::Nothing => by_key,
        by_order @ (Told::Payment(..) | Told::Untold(_) | Told::Misconfigured(_)) => by_order,
    }
}

fn told(answer: Answer, asked_at: DateTime<Utc>) -> Told {
    match answer {
        Answer::Payment(truth) => Told::Payment(truth, asked_at),
        Answer::Error { class: Class::NotFound, .. } => Told::Nothing,
        Answer::Error { class: Class::Misconfigured, failure, .. } => Told::Misconfigured(failure),
        Answer::Error { failure, .. } => Told::Untold(format!("{}: {}", failure.code, failure.message)),
        Answer::Silent { cause } | Answer::NotSent { cause } => Told::Untold(cause),
    }
}

fn is_of(truth: &toss::Payment, key: Option<&PaymentKey>) -> bool {
    key.is_some_and(|key| truth.payment_key == key.as_str())
}

/// Whether no money has come in by this payment and none is awaited.
fn no_money(truth: &toss::Payment) -> bool {
    truth.approved_at.is_none() && truth.status != Status::WaitingForDeposit
}

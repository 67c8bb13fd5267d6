//! Looks at one payment in doubt: reads it again from Toss, which repairs what can be repaired, and says how it stands
//! then. Only what differs twice, with Toss asked both times, differs.

use std::collections::HashSet;

use entity::payment::PaymentStatus;
use entity::payment_event::Cause;
use entity::refund::RefundStatus;
use entity::{OrderId, PaymentKey, compensation, payment};
use sea_orm::EntityTrait;

use super::books::{self, Ours};
use super::compare::{payment_under_way, refund_under_way};
use super::report::{self, Difference, Outcome};
use super::run::{Stop, longest_call};
use crate::app::App;
use crate::findings::Kind;
use crate::payments::apply::{ApplyError, Difference as NotOurs, was_approved};
use crate::payments::{Reread, reread_quietly};
use crate::toss::{self, Answer, Class, Status};

/// What is said of a payment that settle has not finished.
const NOT_KNOWN: &str = "its outcome is not known yet";

/// A payment that may differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Doubt {
    /// The order, as our books or Toss's list have it.
    pub(super) order_id: String,
    /// The payment at Toss; none for the one that our books name.
    pub(super) payment_key: Option<String>,
    /// Whether Toss lists an approval of it.
    pub(super) listed: bool,
}

/// How a payment in doubt stands.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// Both books say the same, and did before.
    Agrees,
    /// A request of ours about it may still be running.
    UnderWay,
    /// They differ, or did until now.
    Differs(Difference),
    /// Toss did not tell, so nothing is concluded.
    Untold(Difference),
}

/// Finds out how a payment stands, repairing it on the way.
///
/// # Errors
/// What ends the whole run.
pub(super) async fn examine(app: &App, doubt: &Doubt) -> Result<Verdict, Stop> {
    let first = look(app, doubt).await?;
    match &first {
        // The books may have moved between Toss's answer and our reading of them.
        Verdict::Differs(difference) if difference.outcome != Outcome::Repaired => look(app, doubt).await,
        // A connection may break for once.
        Verdict::Untold(_) => look(app, doubt).await,
        Verdict::Differs(_) | Verdict::Agrees | Verdict::UnderWay => Ok(first),
    }
}

async fn look(app: &App, doubt: &Doubt) -> Result<Verdict, Stop> {
    let Ok(key) = doubt.payment_key.as_deref().map(str::parse::<PaymentKey>).transpose() else {
        return Ok(hidden(doubt, "its payment key cannot be asked about"));
    };
    let told = match doubt.order_id.parse::<OrderId>() {
        Ok(order_id) => reread_quietly(app, &order_id, key.as_ref(), Cause::Reconcile).await?,
        Err(_) => Reread::Unknown,
    };
    match told {
        Reread::Applied { before, after, truth } => applied(app, &before, *after, &truth).await,
        Reread::Refused { ours, truth, error } => refused(app, &ours, &truth, error).await,
        Reread::Nothing { ours } => nothing(app, doubt, *ours).await,
        Reread::Untold { cause } => Ok(untold(doubt, &cause)),
        Reread::Misconfigured(failure) => Err(Stop::Misconfigured(failure.code)),
        Reread::Unknown => unknown(app, doubt, key.as_ref()).await,
    }
}

/// Toss's word is in our books: do they agree now, and did they before?
async fn applied(
    app: &App,
    before: &payment::Model,
    after: payment::Model,
    truth: &toss::Payment,
) -> Result<Verdict, Stop> {
    if after.payment_key.as_ref().is_none_or(|key| key.as_str() != truth.payment_key) {
        // An attempt without money, beside the one that counts.
        return Ok(Verdict::Agrees);
    }
    let ours = with_refunds(app, after).await?;
    let difference = |kind, shown: &payment::Model, detail: &str, outcome| Difference {
        order_id: shown.order_id.to_string(),
        payment_key: Some(truth.payment_key.clone()),
        kind,
        ours: Some(report::ours(shown)),
        theirs: Some(report::theirs(truth)),
        detail: detail.to_owned(),
        outcome,
    };
    if let Some((kind, detail)) = differ(&ours, truth) {
        return Ok(Verdict::Differs(difference(kind, &ours.payment, detail, Outcome::Reported)));
    }
    match outcome_of(app, &ours) {
        Unknown::Not => {}
        Unknown::UnderWay => return Ok(Verdict::UnderWay),
        Unknown::Left => {
            let left = difference(Kind::StateDiffers, &ours.payment, NOT_KNOWN, Outcome::Unsettled);
            return Ok(Verdict::Differs(left));
        }
    }
    let seen =
        |payment: &payment::Model| (payment.status, payment.balance_amount, payment.payment_key.clone());
    if seen(before) == seen(&ours.payment) {
        return Ok(Verdict::Agrees);
    }
    let both = was_approved(before.status) && was_approved(ours.payment.status);
    let kind = if both { Kind::AmountDiffers } else { Kind::StateDiffers };
    Ok(Verdict::Differs(difference(kind, before, "our books lagged behind", Outcome::Repaired)))
}

/// In what our payment differs from what Toss shows of it.
fn differ(ours: &Ours, truth: &toss::Payment) -> Option<(Kind, &'static str)> {
    let payment = &ours.payment;
    let paid_here = was_approved(payment.status) && payment.approved_at.is_some();
    let paid_there = truth.approved_at.is_some();
    let left_there = if paid_there { truth.balance_amount } else { 0 };
    if !paid_here && left_there == 0 && truth.status != Status::WaitingForDeposit {
        // No money on either side, whatever the attempt ended in.
        return (payment.status == PaymentStatus::WaitingForDeposit)
            .then_some((Kind::StateDiffers, "we wait for a deposit, and Toss does not"));
    }
    if paid_here != paid_there {
        return Some((Kind::StateDiffers, "only one side holds it as paid"));
    }
    if payment.balance_amount.get() != left_there {
        return Some((Kind::AmountDiffers, "what is left of it differs"));
    }
    let same = truth.status == Status::Unlisted || truth.status.name() == report::status(payment.status);
    if !same {
        return Some((Kind::StateDiffers, "its state differs"));
    }
    let mine = ours.refunds.iter().filter(|refund| refund.status == RefundStatus::Done);
    let mine: HashSet<_> = mine
        .map(|refund| (refund.transaction_key.as_deref().unwrap_or_default(), refund.amount.get()))
        .collect();
    let theirs: HashSet<_> =
        truth.done_cancels().map(|cancel| (cancel.transaction_key.as_str(), cancel.cancel_amount)).collect();
    (paid_here && mine != theirs).then_some((Kind::AmountDiffers, "its refunds are not Toss's cancels"))
}

/// Whether an outcome is still unknown.
enum Unknown {
    /// It is known.
    Not,
    /// A request that may bring it is still running.
    UnderWay,
    /// Whoever settles must find it out.
    Left,
}

fn outcome_of(app: &App, ours: &Ours) -> Unknown {
    let (call, now) = (longest_call(app), app.clock.now());
    let pending = ours.refunds.iter().find(|refund| refund.status == RefundStatus::Pending);
    let in_progress = ours.payment.status == PaymentStatus::InProgress;
    match pending {
        _ if in_progress && payment_under_way(&ours.payment, call, now) => Unknown::UnderWay,
        _ if in_progress => Unknown::Left,
        Some(refund) if refund_under_way(refund, call, now) => Unknown::UnderWay,
        Some(_) => Unknown::Left,
        None => Unknown::Not,
    }
}

/// Toss shows a payment that cannot be the order's.
async fn refused(
    app: &App,
    ours: &payment::Model,
    truth: &toss::Payment,
    error: ApplyError,
) -> Result<Verdict, Stop> {
    let money_there = truth.approved_at.is_some() && truth.balance_amount != 0;
    let involved = money_there || !ours.balance_amount.is_zero();
    let kind = match error {
        ApplyError::Differs(NotOurs::PaymentKey) if money_there => {
            return missing_here(app, truth, "its payment key was never offered for the order").await;
        }
        ApplyError::Differs(NotOurs::PaymentKey) => return Ok(Verdict::Agrees),
        // A key of something else, which a buyer offered: only an approval that we hold by it is amiss.
        ApplyError::Differs(NotOurs::Order) if !ours.balance_amount.is_zero() => Kind::MissingAtToss,
        ApplyError::Differs(NotOurs::Order) => return Ok(Verdict::Agrees),
        // No money on either side: what was never paid may show any amount.
        ApplyError::Differs(NotOurs::Amount | NotOurs::Currency) if !involved => return Ok(Verdict::Agrees),
        ApplyError::Differs(NotOurs::Amount | NotOurs::Currency | NotOurs::Balance | NotOurs::Cancel) => {
            Kind::AmountDiffers
        }
        // The first two are being undone; until that is over they differ.
        ApplyError::Period(_) | ApplyError::SecondApproval | ApplyError::Unknown(_) => Kind::StateDiffers,
        ApplyError::Database(error) => return Err(Stop::Database(error)),
    };
    Ok(Verdict::Differs(Difference {
        order_id: ours.order_id.to_string(),
        payment_key: Some(truth.payment_key.clone()),
        kind,
        ours: Some(report::ours(ours)),
        theirs: Some(report::theirs(truth)),
        detail: error.to_string(),
        outcome: Outcome::Reported,
    }))
}

/// Toss holds nothing by the key and nothing for the order.
async fn nothing(app: &App, doubt: &Doubt, ours: payment::Model) -> Result<Verdict, Stop> {
    let paid = was_approved(ours.status) && ours.approved_at.is_some();
    if !paid && doubt.listed {
        return Ok(hidden(doubt, "Toss lists an approval and does not show the payment"));
    }
    let ours = with_refunds(app, ours).await?;
    let difference = |kind, detail: &str, outcome| {
        Verdict::Differs(Difference {
            order_id: ours.payment.order_id.to_string(),
            payment_key: ours.payment.payment_key.as_ref().map(ToString::to_string),
            kind,
            ours: Some(report::ours(&ours.payment)),
            theirs: None,
            detail: detail.to_owned(),
            outcome,
        })
    };
    if paid {
        return Ok(difference(Kind::MissingAtToss, "Toss knows of no such payment", Outcome::Reported));
    }
    Ok(match outcome_of(app, &ours) {
        Unknown::Not => Verdict::Agrees,
        Unknown::UnderWay => Verdict::UnderWay,
        Unknown::Left => difference(Kind::StateDiffers, NOT_KNOWN, Outcome::Unsettled),
    })
}

/// We do not know the order: does Toss hold money for it?
async fn unknown(app: &App, doubt: &Doubt, key: Option<&PaymentKey>) -> Result<Verdict, Stop> {
    let Some(key) = key else { return Ok(Verdict::Agrees) };
    match app.toss.look_up(key).await {
        Answer::Payment(truth) if truth.approved_at.is_some() && truth.balance_amount != 0 => {
            missing_here(app, &truth, "we do not know the order").await
        }
        // All of it went back, or it never came.
        Answer::Payment(_) => Ok(Verdict::Agrees),
        Answer::Error { class: Class::NotFound, .. } if doubt.listed => {
            Ok(hidden(doubt, "Toss lists an approval and does not show the payment"))
        }
        Answer::Error { class: Class::NotFound, .. } => Ok(Verdict::Agrees),
        Answer::Error { class: Class::Misconfigured, failure, .. } => Err(Stop::Misconfigured(failure.code)),
        Answer::Error { failure, .. } => Ok(untold(doubt, &format!("{}: {}", failure.code, failure.message))),
        Answer::Silent { cause } | Answer::NotSent { cause } => Ok(untold(doubt, &cause)),
    }
}

/// Toss holds money that our books do not have.
async fn missing_here(app: &App, truth: &toss::Payment, detail: &str) -> Result<Verdict, Stop> {
    let undone = match truth.payment_key.parse::<PaymentKey>() {
        Ok(key) => compensation::Entity::find_by_id(key).one(app.db.read()).await?,
        Err(_) => None,
    };
    let pending = undone.is_some_and(|undone| undone.status == RefundStatus::Pending);
    Ok(Verdict::Differs(Difference {
        order_id: truth.order_id.clone(),
        payment_key: Some(truth.payment_key.clone()),
        kind: Kind::MissingHere,
        ours: None,
        theirs: Some(report::theirs(truth)),
        detail: if pending { "it is being given back".to_owned() } else { detail.to_owned() },
        outcome: if pending { Outcome::Unsettled } else { Outcome::Reported },
    }))
}

/// Toss lists a payment that it does not show.
fn hidden(doubt: &Doubt, detail: &str) -> Verdict {
    Verdict::Differs(Difference {
        order_id: doubt.order_id.clone(),
        payment_key: doubt.payment_key.clone(),
        kind: Kind::MissingHere,
        ours: None,
        theirs: None,
        detail: detail.to_owned(),
        outcome: Outcome::Reported,
    })
}

fn untold(doubt: &Doubt, cause: &str) -> Verdict {
    Verdict::Untold(Difference {
        order_id: doubt.order_id.clone(),
        payment_key: doubt.payment_key.clone(),
        kind: Kind::StateDiffers,
        ours: None,
        theirs: None,
        detail: format!("Toss did not tell: {cause}"),
        outcome: Outcome::Unsettled,
    })
}

async fn with_refunds(app: &App, payment: payment::Model) -> Result<Ours, Stop> {
    let order = HashSet::from([payment.order_id.clone()]);
    let held = books::of_orders(app.db.read(), &order).await?.remove(payment.order_id.as_str());
    let refunds = held.map(|ours| ours.refunds).unwrap_or_default();
    Ok(Ours { payment, refunds })
}

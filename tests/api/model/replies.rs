//! What the service must answer, as far as that can be known beforehand.

use chrono::{DateTime, Duration, SubsecRound, Utc};
use serde_json::Value;

use super::books::{Breach, Ours, Undone, hold};
use super::expected::{Act, Model, Seen, is_no};
use super::step::Plan;
use super::toss::{Answer, Payment, Status};

/// How long money is given back.
const REFUND_WINDOW: Duration = Duration::days(3);

/// An answer of the service.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) body: Value,
}

/// What an act must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Nothing is answered, or nothing that says anything.
    Nothing,
    /// It is refused like this, and Toss is not asked.
    Refused(u16, &'static str),
    /// How the payment stands is shown, and Toss is not asked.
    Standing,
    /// Toss is asked.
    Asked,
}

impl Model {
    /// What `act` must come to at `now`.
    pub(crate) fn expected(&self, act: Act<'_>, now: DateTime<Utc>) -> Expected {
        match act {
            Act::Elsewhere | Act::Run(_) => Expected::Nothing,
            Act::Fail { order } => match self.ours(order) {
                None if !self.orders[order].quoted => Expected::Refused(404, "ORDER_NOT_FOUND"),
                _ => Expected::Standing,
            },
            Act::Confirm { order, key, amount } => self.confirmation(order, key, amount, now),
            Act::Refund { order, amount } => match self.refused_refund(order, amount, now) {
                Some((status, code)) => Expected::Refused(status, code),
                None => Expected::Asked,
            },
        }
    }

    fn confirmation(&self, number: usize, key: &str, amount: i64, now: DateTime<Utc>) -> Expected {
        let (order, ours) = (&self.orders[number], self.ours(number));
        let wrong_price = amount != order.plan.price();
        if let Some(ours) = ours {
            let again = ours.key.as_deref() == Some(key);
            let taken = !matches!(ours.status, Status::Aborted | Status::Expired);
            if wrong_price {
                return Expected::Refused(400, "AMOUNT_MISMATCH");
            }
            if again || taken && order.offered(key) {
                return Expected::Standing;
            }
            if taken {
                return Expected::Refused(409, "PAYMENT_KEY_CONFLICT");
            }
        }
        if !order.quoted && ours.is_none() {
            return Expected::Refused(404, "ORDER_NOT_FOUND");
        }
        if !order.quoted || now >= order.expires_at {
            return Expected::Refused(410, "ORDER_EXPIRED");
        }
        if wrong_price {
            return Expected::Refused(400, "AMOUNT_MISMATCH");
        }
        let elsewhere = self.books.iter().enumerate().any(|(other, ours)| {
            let live = |ours: &Ours| !matches!(ours.status, Status::Aborted | Status::Expired);
            other != number
                && ours.as_ref().is_some_and(|ours| ours.key.as_deref() == Some(key) && live(ours))
        });
        if elsewhere { Expected::Refused(409, "PAYMENT_KEY_CONFLICT") } else { Expected::Asked }
    }

    fn refused_refund(
        &self,
        number: usize,
        amount: Option<i64>,
        now: DateTime<Utc>,
    ) -> Option<(u16, &'static str)> {
        let Some(ours) = self.ours(number) else { return Some((404, "PAYMENT_NOT_FOUND")) };
        let Some(approved_at) = ours.approved_at else { return Some((409, "PAYMENT_NOT_REFUNDABLE")) };
        if ours.balance == 0 {
            return Some((409, "ALREADY_REFUNDED"));
        }
        if now.trunc_subsecs(0) > approved_at + REFUND_WINDOW {
            return Some((409, "REFUND_WINDOW_CLOSED"));
        }
        if amount.is_some_and(|amount| amount > ours.balance) {
            return Some((409, "REFUND_EXCEEDS_BALANCE"));
        }
        ours.pending().map(|_| (409, "REQUEST_IN_PROGRESS"))
    }

    /// Whether Toss was asked after all: an act that should ask it may be put off while Toss is down or wants a pause.
    pub(crate) fn goes_to_toss(&self, expected: &Expected, seen: &Seen) -> Result<bool, Breach> {
        let put_off = seen.told.as_ref().is_some_and(|told| told.code == "PG_UNAVAILABLE");
        if put_off {
            hold!(*expected == Expected::Asked, "Toss was needed for what must be {expected:?}");
            hold!(self.may_be_refused(seen.time.0), "purchases are refused although Toss answers");
            hold!(seen.heard.is_empty(), "it was put off, and Toss was asked {:?}", seen.heard);
        }
        Ok(*expected == Expected::Asked && !put_off)
    }

    /// Whether the answer is what it must be and agrees with the books.
    pub(crate) fn replies(
        &self,
        act: Act<'_>,
        expected: &Expected,
        asked: bool,
        seen: &Seen,
    ) -> Result<(), Breach> {
        let (Some(told), Act::Confirm { order, .. } | Act::Fail { order } | Act::Refund { order, .. }) =
            (&seen.told, act)
        else {
            return Ok(());
        };
        let (before, after) = (self.ours(order), seen.ours[order].as_ref());
        if let Expected::Refused(status, code) = expected {
            let said = (told.status, told.code.as_str());
            hold!(said == (*status, *code), "{act:?} was answered {said:?} and must be {expected:?}");
        }
        if !asked && !matches!(act, Act::Fail { .. }) {
            hold!(before == after, "{act:?} was not taken on, and the books changed: {before:?} {after:?}");
        }
        match (act, after) {
            (_, _) if matches!(expected, Expected::Refused(..)) || told.code == "PG_UNAVAILABLE" => Ok(()),
            (Act::Fail { .. }, Some(after)) => {
                hold!(told.status == 200, "a failure was answered {}", told.status);
                hold!(before.is_none_or(|before| before == after), "a failure changed {before:?}");
                hold!(before.is_some() || after.status == Status::Aborted, "a failure wrote {after:?}");
                Ok(())
            }
            (Act::Confirm { key, .. }, Some(after)) => {
                if asked {
                    self.confirmed(order, key, told, after)?;
                }
                shows(told, after, self.orders[order].plan)
            }
            (Act::Refund { .. }, Some(after)) => self.refunded(order, told, after),
            (_, after) => Err(format!("{act:?} left {after:?}")),
        }
    }

    /// A confirmation that Toss answered clearly is recorded as it was answered.
    fn confirmed(&self, number: usize, key: &str, told: &Told, after: &Ours) -> Result<(), Breach> {
        let claim = self.orders[number].claims.last().filter(|claim| claim.key == key);
        let Some((_, answer)) = claim.and_then(|claim| claim.sends.last()) else {
            return Err(format!("order {number} was confirmed, and Toss was not asked"));
        };
        match answer {
            Answer::Payment => {
                let theirs = self.toss.payment(key).map(|payment| payment.now());
                hold!(theirs == Some(after.view()), "Toss has just shown {theirs:?}, and we hold {after:?}");
            }
            Answer::Error { code, .. } if is_no(answer) => {
                let Some(looked_up) = claim.and_then(|claim| claim.looked_up.as_ref()) else {
                    return Err(format!("Toss said {code}, and nobody asked whether it is so"));
                };
                let own = |payment: &&Payment| payment.order_id == self.orders[number].id;
                let theirs = self.toss.payment(key).filter(own).map(Payment::now);
                let worked = theirs
                    .filter(|view| view.approved_at.is_some() || view.status == Status::WaitingForDeposit);
                if let (Answer::Payment, Some(view)) = (looked_up, worked) {
                    hold!(view == after.view(), "Toss has just shown {view:?}, and we hold {after:?}");
                    return Ok(());
                }
                hold!(after.status == Status::Aborted, "Toss said {code}, and we hold {after:?}");
                hold!(told.body["pg"]["code"] == **code, "Toss said {code}, and we answer {}", told.body);
            }
            Answer::Error { code, .. }
                if ["ALREADY_PROCESSED_PAYMENT", "IDEMPOTENT_REQUEST_PROCESSING"]
                    .contains(&code.as_str()) => {}
            Answer::Error { .. } | Answer::Silence => {
                hold!(after.status == Status::InProgress, "Toss said nothing clear, and we hold {after:?}");
            }
        }
        Ok(())
    }

    /// A refund that Toss answered clearly is recorded as it was answered.
    fn refunded(&self, number: usize, told: &Told, after: &Ours) -> Result<(), Breach> {
        let Some(own) = after.new_refund(self.ours(number)) else {
            return Err(format!("a refund left no row: {}", told.body));
        };
        let must = match own.status {
            Undone::Done => 200,
            Undone::Pending => 202,
            Undone::Failed => 409,
        };
        hold!(told.status == must, "{own:?} was answered {}", told.status);
        match self.orders[number].last_cancel(&own.id) {
            None => Err(format!("{own:?} was reserved, and Toss was not asked")),
            Some(Answer::Payment) => {
                // The bank had taken the deposit back: what Toss cancelled was an account without money.
                let no_money = own.status == Undone::Failed && after.approved_at.is_none();
                hold!(
                    own.status == Undone::Done || no_money,
                    "Toss gave the money back, and we hold {own:?}"
                );
                Ok(())
            }
            Some(Answer::Error { status: 400..500, .. }) => Ok(()),
            Some(answer) => {
                hold!(own.status == Undone::Pending, "Toss said {answer:?}, and we hold {own:?}");
                Ok(())
            }
        }
    }
}

/// Whether the answer to a confirmation says what the books say.
fn shows(told: &Told, after: &Ours, plan: Plan) -> Result<(), Breach> {
    let must = match after.status {
        Status::Ready | Status::InProgress => 202,
        Status::Aborted | Status::Expired => 402,
        Status::WaitingForDeposit | Status::Done | Status::Canceled | Status::PartialCanceled => 200,
    };
    hold!(told.status == must, "{:?} was answered {}", after.status, told.status);
    if must != 402 {
        let payment = &told.body["payment"];
        hold!(payment["balanceAmount"] == after.balance, "{after:?} was shown as {payment}");
        let (subscription, event) =
            (told.body["subscription"].is_object(), told.body["eventAmount"].is_object());
        let due = (after.is_paid() && plan.sells_time(), after.is_paid() && !plan.sells_time());
        hold!((subscription, event) == due, "{after:?} was shown with {}", told.body);
    }
    Ok(())
}

//! Toss as the model knows it: what became of every payment, by what was asked and what went wrong with it. Pure, and an
//! independent reading of the same rules as the sandbox's, with which it must agree after every step.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};

use super::step::{Call, Error, Glitch, Means};

/// How long an authenticated payment waits for its confirmation.
const CONFIRM_WITHIN: Duration = Duration::minutes(10);
/// How long an issued account waits for its deposit.
const DEPOSIT_WITHIN: Duration = Duration::days(7);
/// How long after a deposit its money can go back.
const REFUND_WITHIN: Duration = Duration::days(365);
/// How long an idempotency key is remembered.
const KEY_LIVES: Duration = Duration::days(15);

/// Toss's states of a payment, at Toss and in our books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ready,
    InProgress,
    WaitingForDeposit,
    Done,
    Canceled,
    PartialCanceled,
    Aborted,
    Expired,
}

/// How a payment stands, or stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) status: Status,
    /// When the money came in; none while it has not.
    pub(crate) approved_at: Option<DateTime<Utc>>,
    /// Money that Toss holds, in won.
    pub(crate) held: i64,
}

/// A payment at Toss.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) key: String,
    pub(crate) order_id: String,
    pub(crate) amount: i64,
    pub(crate) means: Means,
    /// How it stood after every change, oldest first.
    pub(crate) views: Vec<View>,
    /// What went back, oldest first.
    pub(crate) cancels: Vec<i64>,
    authenticated_at: DateTime<Utc>,
    issued_at: Option<DateTime<Utc>>,
}

/// What a shop asks Toss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Confirm { key: String, order_id: String, amount: i64 },
    Cancel { key: String, amount: Option<i64>, refundable: Option<i64>, account: bool },
    LookUp { key: String },
    LookUpOrder { order_id: String },
}

/// A call of the shop.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) ask: Ask,
    /// Its idempotency key.
    pub(crate) idempotency_key: Option<String>,
}

/// What the shop hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The payment.
    Payment,
    /// An error.
    Error { status: u16, code: String },
    /// Nothing, or nothing that can be read.
    Silence,
}

/// Toss.
#[derive(Debug, Default)]
pub(crate) struct Toss {
    /// Whether an order that is paid can be paid again.
    pub(crate) several_approvals: bool,
    pub(crate) payments: Vec<Payment>,
    /// What waits to go wrong: with which order, which call.
    glitches: Vec<(String, Call, Glitch)>,
    /// First answers by idempotency key and what they answer, and since when.
    kept: HashMap<(String, &'static str, String), (DateTime<Utc>, Answer)>,
}

impl Payment {
    /// How it stands.
    pub(crate) fn now(&self) -> View {
        *self.views.last().expect("a payment has stood somehow since it began")
    }

    /// Whether the order is spent: money came in, or an account was issued.
    fn approved(&self) -> bool {
        use Status::{Canceled, Done, PartialCanceled, WaitingForDeposit};
        matches!(self.now().status, WaitingForDeposit | Done | Canceled | PartialCanceled)
    }

    /// What Toss shows as the balance: of a payment that nobody has paid yet all of it.
    pub(crate) fn balance(&self) -> i64 {
        self.amount - self.cancels.iter().sum::<i64>()
    }

    /// Whether the term of its account has not passed.
    pub(crate) fn may_be_deposited(&self, now: DateTime<Utc>) -> bool {
        self.issued_at.is_some_and(|at| now <= at + DEPOSIT_WITHIN)
    }

    fn becomes(&mut self, status: Status, approved_at: Option<DateTime<Utc>>) {
        let held = if approved_at.is_some() { self.balance() } else { 0 };
        self.views.push(View { status, approved_at, held });
    }
}

impl Ask {
    /// The order or the payment key that it names.
    pub(crate) fn about(&self) -> &str {
        match self {
            Self::Confirm { order_id, .. } | Self::LookUpOrder { order_id } => order_id,
            Self::Cancel { key, .. } | Self::LookUp { key } => key,
        }
    }

    fn call(&self) -> Call {
        match self {
            Self::Confirm { .. } => Call::Approve,
            Self::Cancel { .. } => Call::Cancel,
            Self::LookUp { .. } | Self::LookUpOrder { .. } => Call::LookUp,
        }
    }
}

impl Toss {
    /// The payment with this key.
    pub(crate) fn payment(&self, key: &str) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.key == key)
    }

    /// The payments of an order.
    pub(crate) fn of_order<'a>(&'a self, order_id: &'a str) -> impl Iterator<Item = &'a Payment> {
        self.payments.iter().filter(move |payment| payment.order_id == order_id)
    }

    /// A buyer gets through the payment window.
    pub(crate) fn authenticated(
        &mut self,
        key: &str,
        order_id: &str,
        (amount, means): (i64, Means),
        at: DateTime<Utc>,
    ) {
        let view = View { status: Status::InProgress, approved_at: None, held: 0 };
        self.payments.push(Payment {
            key: key.to_owned(),
            order_id: order_id.to_owned(),
            amount,
            means,
            views: vec![view],
            cancels: Vec::new(),
            authenticated_at: at,
            issued_at: None,
        });
    }

    /// Time has passed.
    pub(crate) fn pass(&mut self, now: DateTime<Utc>) {
        for payment in &mut self.payments {
            let late = payment.authenticated_at + CONFIRM_WITHIN <= now;
            if late && payment.now().status == Status::InProgress {
                payment.becomes(Status::Expired, None);
            }
        }
    }

    /// An account is paid. Says whether the bank takes it.
    pub(crate) fn deposit(&mut self, key: &str, now: DateTime<Utc>) -> bool {
        let Some(payment) = self.payment_mut(key) else { return false };
        let waits = payment.now().status == Status::WaitingForDeposit && payment.may_be_deposited(now);
        if waits {
            payment.becomes(Status::Done, Some(now));
        }
        waits
    }

    /// The bank takes a deposit back. Says whether there was one.
    pub(crate) fn reverse(&mut self, key: &str) -> bool {
        let Some(payment) = self.payment_mut(key) else { return false };
        let paid = payment.now().status == Status::Done && payment.means == Means::Account;
        if paid {
            payment.becomes(Status::WaitingForDeposit, None);
        }
        paid
    }

    /// Staff cancel. Says whether they can.
    pub(crate) fn staff_cancel(&mut self, key: &str, amount: Option<i64>, now: DateTime<Utc>) -> bool {
        self.pass(now);
        self.cancel(key, (amount, None), None, now) == Answer::Payment
    }

    /// From now on this will go wrong.
    pub(crate) fn break_call(&mut self, order_id: &str, call: Call, glitch: Glitch) {
        self.glitches.push((order_id.to_owned(), call, glitch));
    }

    /// Nothing goes wrong any more.
    pub(crate) fn repair(&mut self) {
        self.glitches.clear();
    }

    /// Does what is asked, as far as nothing goes wrong, and says what the shop hears.
    pub(crate) fn hear(&mut self, heard: &Heard, now: DateTime<Utc>) -> Answer {
        self.pass(now);
        let scope = heard.idempotency_key.clone().map(|key| match &heard.ask {
            Ask::Cancel { key: payment, .. } => (key, "cancel", payment.clone()),
            _ => (key, "confirm", String::new()),
        });
        self.kept.retain(|_, (since, _)| now - *since < KEY_LIVES);
        let kept = scope.as_ref().and_then(|scope| self.kept.get(scope)).map(|(_, answer)| answer.clone());
        let glitch = self.next_glitch(&heard.ask, kept.is_some());
        match glitch {
            Some(Glitch::LostBefore) => return Answer::Silence,
            Some(Glitch::TooMany) => return Answer::Error { status: 429, code: String::new() },
            Some(Glitch::Running) => {
                return Answer::Error { status: 409, code: "IDEMPOTENT_REQUEST_PROCESSING".to_owned() };
            }
            _ => {}
        }
        let error = |error: Error| {
            let (status, code) = error.answer(heard.ask.call());
            Answer::Error { status, code: code.to_owned() }
        };
        let answer = match (kept, glitch) {
            (Some(_), Some(Glitch::ErrorBefore(wrong) | Glitch::ErrorAfter(wrong))) => error(wrong),
            (Some(kept), _) => kept,
            (None, glitch) => {
                let answer = match glitch {
                    Some(Glitch::ErrorBefore(wrong)) => error(wrong),
                    Some(Glitch::ErrorAfter(wrong)) => {
                        self.answer(&heard.ask, false, now);
                        error(wrong)
                    }
                    glitch => self.answer(&heard.ask, glitch == Some(Glitch::Reject), now),
                };
                let remembers = !matches!(answer, Answer::Error { status: 500.., .. });
                if let Some(scope) = scope.filter(|_| remembers) {
                    self.kept.insert(scope, (now, answer.clone()));
                }
                answer
            }
        };
        match glitch {
            Some(Glitch::LostAfter | Glitch::Html | Glitch::Truncated) => Answer::Silence,
            _ => answer,
        }
    }

    /// Takes what waits to go wrong with this call. A call whose answer is kept decides nothing, so a no waits for the
    /// next one.
    fn next_glitch(&mut self, ask: &Ask, replay: bool) -> Option<Glitch> {
        let order_id = match ask {
            Ask::Confirm { order_id, .. } | Ask::LookUpOrder { order_id } => order_id.clone(),
            Ask::Cancel { key, .. } | Ask::LookUp { key } => self.payment(key)?.order_id.clone(),
        };
        let fits = |(order, call, glitch): &(String, Call, Glitch)| {
            *order == order_id && *call == ask.call() && !(replay && *glitch == Glitch::Reject)
        };
        let at = self.glitches.iter().position(fits)?;
        Some(self.glitches.remove(at).2)
    }

    fn answer(&mut self, ask: &Ask, reject: bool, now: DateTime<Utc>) -> Answer {
        match ask {
            Ask::Confirm { key, order_id, amount } => self.confirm(key, order_id, *amount, reject, now),
            Ask::Cancel { .. } if reject => no("NOT_CANCELABLE_PAYMENT"),
            Ask::Cancel { key, amount, refundable, account } => {
                self.cancel(key, (*amount, *refundable), Some(*account), now)
            }
            Ask::LookUp { key } => {
                self.payment(key).map_or_else(|| no("NOT_FOUND_PAYMENT"), |_| Answer::Payment)
            }
            Ask::LookUpOrder { order_id } => match self.of_order(order_id).next() {
                Some(_) => Answer::Payment,
                None => no("NOT_FOUND_PAYMENT"),
            },
        }
    }

    fn confirm(
        &mut self,
        key: &str,
        order_id: &str,
        amount: i64,
        reject: bool,
        now: DateTime<Utc>,
    ) -> Answer {
        let elsewhere = self.of_order(order_id).any(|other| other.key != key && other.approved())
            && !self.several_approvals;
        let Some(payment) = self.payment_mut(key) else { return no("NOT_FOUND_PAYMENT") };
        if payment.order_id != order_id || payment.amount != amount {
            return no("INVALID_REQUEST");
        }
        match payment.now().status {
            Status::InProgress => {}
            Status::Expired => return no("NOT_FOUND_PAYMENT_SESSION"),
            _ => return no("ALREADY_PROCESSED_PAYMENT"),
        }
        if elsewhere {
            return no("ALREADY_PROCESSED_PAYMENT");
        }
        match payment.means {
            _ if reject => {}
            Means::BadCard => {}
            Means::Card => {
                payment.becomes(Status::Done, Some(now));
                return Answer::Payment;
            }
            Means::Account => {
                payment.issued_at = Some(now);
                payment.becomes(Status::WaitingForDeposit, None);
                return Answer::Payment;
            }
        }
        payment.becomes(Status::Aborted, None);
        no("REJECT_CARD_PAYMENT")
    }

    /// `account` says whether the shop names one for the money; staff, for whom it is none, always know one.
    fn cancel(
        &mut self,
        key: &str,
        (amount, refundable): (Option<i64>, Option<i64>),
        account: Option<bool>,
        now: DateTime<Utc>,
    ) -> Answer {
        let Some(payment) = self.payment_mut(key) else { return no("NOT_FOUND_PAYMENT") };
        let (standing, balance) = (payment.now(), payment.balance());
        match standing.status {
            Status::Done | Status::PartialCanceled | Status::WaitingForDeposit => {}
            Status::Canceled => return no("ALREADY_CANCELED_PAYMENT"),
            _ => return no("NOT_CANCELABLE_PAYMENT"),
        }
        if refundable.is_some_and(|expected| expected != balance) {
            return no("NOT_MATCHES_REFUNDABLE_AMOUNT");
        }
        let amount = amount.unwrap_or(balance);
        if standing.status == Status::WaitingForDeposit && amount != balance {
            return no("NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT");
        }
        if balance == 0 || amount > balance {
            return no("NOT_CANCELABLE_AMOUNT");
        }
        if payment.means == Means::Account && standing.approved_at.is_some_and(|at| now - at > REFUND_WITHIN)
        {
            return no("EXCEED_MAX_REFUND_DUE");
        }
        if payment.means == Means::Account && standing.approved_at.is_some() && account == Some(false) {
            return no("INVALID_REFUND_ACCOUNT_INFO");
        }
        let whole = payment.cancels.is_empty() && amount == balance;
        payment.cancels.push(amount);
        let status = if whole { Status::Canceled } else { Status::PartialCanceled };
        payment.becomes(status, standing.approved_at);
        Answer::Payment
    }

    fn payment_mut(&mut self, key: &str) -> Option<&mut Payment> {
        self.payments.iter_mut().find(|payment| payment.key == key)
    }
}

fn no(code: &str) -> Answer {
    Answer::Error { status: 400, code: code.to_owned() }
}

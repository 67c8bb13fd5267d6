//! The shop's books at Toss: every payment, found by key or by order, and the journal of its money.

pub(crate) mod cancel;
pub(crate) mod cancel_request;
pub(crate) mod confirm;
pub(crate) mod deposit;
pub(crate) mod journal;
pub(crate) mod open;

use std::collections::{BTreeSet, HashMap, VecDeque};

use chrono::{DateTime, Utc};

use crate::{payment::Payment, refusal::Refusal};
use journal::Journal;

/// How many payments are remembered; the oldest is forgotten first.
const MAX_PAYMENTS: usize = 200_000;

/// A payment as it was when its state had just changed: what Toss tells the shop about.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) payment: Payment,
    /// Whether the change is a deposit, its reversal or a cancel, rather than the mere issue of an account.
    pub(crate) moved: bool,
    pub(crate) at: DateTime<Utc>,
}

/// Everything about payments. It knows no HTTP and no clock: the time is handed in.
#[derive(Debug, Default)]
pub(crate) struct Books {
    payments: HashMap<String, Payment>,
    by_order: HashMap<String, Vec<String>>,
    oldest_first: VecDeque<String>,
    /// The deadlines of the windows that stand open and of the authentications that wait for a confirm.
    expiring: BTreeSet<(DateTime<Utc>, String)>,
    /// What has changed since somebody last took it away to tell the shop.
    pub(crate) changes: Vec<Change>,
    /// Whether an order that is paid can be paid again with another payment.
    pub(crate) several_approvals: bool,
    /// Whether a key that nobody has seen counts as authenticated.
    pub(crate) any_key: bool,
    pub(crate) journal: Journal,
}

impl Books {
    /// Adds a payment, and forgets the oldest when there are too many.
    fn insert(&mut self, payment: Payment) {
        if self.oldest_first.len() >= MAX_PAYMENTS {
            self.forget_oldest();
        }
        self.by_order.entry(payment.order_id.clone()).or_default().push(payment.key.clone());
        self.oldest_first.push_back(payment.key.clone());
        self.expiring.extend(payment.deadline().map(|at| (at, payment.key.clone())));
        self.payments.insert(payment.key.clone(), payment);
    }

    fn forget_oldest(&mut self) {
        let Some(payment) = self.oldest_first.pop_front().and_then(|key| self.payments.remove(&key)) else {
            return;
        };
        if let Some(at) = payment.deadline() {
            self.expiring.remove(&(at, payment.key.clone()));
        }
        if let Some(keys) = self.by_order.get_mut(&payment.order_id) {
            keys.retain(|key| *key != payment.key);
            if keys.is_empty() {
                self.by_order.remove(&payment.order_id);
            }
        }
    }

    /// Lets time pass: what was left too long expires. A window that nobody authenticated is no payment,
    /// so nobody hears of its end.
    pub(crate) fn pass(&mut self, now: DateTime<Utc>) {
        while self.expiring.first().is_some_and(|(at, _)| *at <= now)
            && let Some((_, key)) = self.expiring.pop_first()
        {
            let Some(payment) = self.payments.get_mut(&key) else { continue };
            payment.expire();
            if payment.visible() {
                self.changes.push(Change { payment: payment.clone(), moved: false, at: now });
            }
        }
    }

    /// Whether anything will happen by itself when time passes.
    pub(crate) fn waits(&self) -> bool {
        !self.expiring.is_empty()
    }

    /// Forgets the deadline that a payment had, and notes the one that it has now.
    fn reschedule(&mut self, key: &str, before: Option<DateTime<Utc>>) {
        if let Some(before) = before {
            self.expiring.remove(&(before, key.to_owned()));
        }
        let after = self.payments.get(key).and_then(Payment::deadline);
        self.expiring.extend(after.map(|at| (at, key.to_owned())));
    }

    /// Notes that the state of a payment has just changed.
    fn changed(&mut self, key: &str, moved: bool, at: DateTime<Utc>) {
        let change = |payment: &Payment| Change { payment: payment.clone(), moved, at };
        self.changes.extend(self.payments.get(key).map(change));
    }

    /// Any payment by its key at this time, even one that a lookup would not find.
    pub(crate) fn any(&mut self, key: &str, now: DateTime<Utc>) -> Result<&mut Payment, Refusal> {
        self.pass(now);
        self.payments.get_mut(key).ok_or_else(|| Refusal::new("NOT_FOUND_PAYMENT"))
    }

    /// A payment by its key, as a lookup finds it.
    pub(crate) fn find(&mut self, key: &str, now: DateTime<Utc>) -> Result<&mut Payment, Refusal> {
        let payment = self.any(key, now)?;
        if payment.visible() { Ok(payment) } else { Err(Refusal::new("NOT_FOUND_PAYMENT")) }
    }

    /// The payment that tells most about an order: the one approved last, else the newest.
    pub(crate) fn find_order(&mut self, order_id: &str, now: DateTime<Utc>) -> Result<&mut Payment, Refusal> {
        let keys = self.by_order.get(order_id).map(Vec::as_slice).unwrap_or_default();
        let visible = |key: &&String| self.payments.get(*key).is_some_and(Payment::visible);
        let approved = |key: &&String| self.payments.get(*key).is_some_and(Payment::approved);
        let chosen = keys.iter().rev().find(approved).or_else(|| keys.iter().rev().find(visible)).cloned();
        self.find(&chosen.unwrap_or_default(), now)
    }

    /// The order to which a payment key belongs.
    pub(crate) fn order_of(&self, key: &str) -> Option<&str> {
        self.payments.get(key).map(|payment| payment.order_id.as_str())
    }

    /// Moves a payment behind the others of its order: that is where the one approved last is looked for.
    fn approved_last(&mut self, order_id: &str, key: &str) {
        if let Some(keys) = self.by_order.get_mut(order_id) {
            keys.retain(|other| other != key);
            keys.push(key.to_owned());
        }
    }

    /// All payments of an order, also those that a lookup would not find.
    pub(crate) fn all_of(&mut self, order_id: &str, now: DateTime<Utc>) -> impl Iterator<Item = &Payment> {
        self.pass(now);
        let keys = self.by_order.get(order_id).map(Vec::as_slice).unwrap_or_default();
        keys.iter().filter_map(|key| self.payments.get(key))
    }

    /// Whether another payment of this order was approved.
    fn approved_elsewhere(&self, order_id: &str, key: &str) -> bool {
        let keys = self.by_order.get(order_id).map(Vec::as_slice).unwrap_or_default();
        keys.iter().any(|other| other != key && self.payments.get(other).is_some_and(Payment::approved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::open::Authenticate;

    #[test]
    fn a_forgotten_payment_leaves_nothing_behind() {
        let now = DateTime::UNIX_EPOCH;
        let mut books = Books::default();
        let first = books.open(&Authenticate::new("order-0001", 1_000), now).unwrap();
        books.open(&Authenticate::new("order-0002", 1_000), now).unwrap();
        books.forget_oldest();
        assert!(books.find(&first.payment_key, now).is_err());
        assert!(books.find_order("order-0001", now).is_err());
        assert!(books.find_order("order-0002", now).is_ok());
        assert_eq!((books.by_order.len(), books.payments.len(), books.oldest_first.len()), (1, 1, 1));
    }

    #[test]
    fn an_order_shows_its_approved_payment_and_else_its_newest() {
        let now = DateTime::UNIX_EPOCH;
        let mut books = Books::default();
        let one = books.open(&Authenticate::new("order-0001", 1_000), now).unwrap().payment_key;
        let two = books.open(&Authenticate::new("order-0001", 1_000), now).unwrap().payment_key;
        assert_eq!(books.find_order("order-0001", now).unwrap().key, two);
        books.confirm(&one, "order-0001", 1_000, None, now).unwrap();
        assert_eq!(books.find_order("order-0001", now).unwrap().key, one);
    }
}

//! The shop's books at Toss: every payment, found by key or by order, and the journal of its money.

pub(crate) mod cancel;
pub(crate) mod cancel_request;
pub(crate) mod confirm;
pub(crate) mod deposit;
pub(crate) mod journal;
pub(crate) mod open;

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Utc};

use crate::{payment::Payment, refusal::Refusal};
use journal::Journal;

/// How many payments are remembered; the oldest is forgotten first.
const MAX_PAYMENTS: usize = 200_000;

/// Everything about payments. It knows no HTTP and no clock: the time is handed in.
#[derive(Debug, Default)]
pub(crate) struct Books {
    payments: HashMap<String, Payment>,
    by_order: HashMap<String, Vec<String>>,
    oldest_first: VecDeque<String>,
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
        self.payments.insert(payment.key.clone(), payment);
    }

    fn forget_oldest(&mut self) {
        let Some(payment) = self.oldest_first.pop_front().and_then(|key| self.payments.remove(&key)) else {
            return;
        };
        if let Some(keys) = self.by_order.get_mut(&payment.order_id) {
            keys.retain(|key| *key != payment.key);
            if keys.is_empty() {
                self.by_order.remove(&payment.order_id);
            }
        }
    }

    /// Any payment by its key, aged to `now`, even one that a lookup would not find.
    fn any(&mut self, key: &str, now: DateTime<Utc>) -> Result<&mut Payment, Refusal> {
        let payment = self.payments.get_mut(key).ok_or_else(|| Refusal::new("NOT_FOUND_PAYMENT"))?;
        payment.age(now);
        Ok(payment)
    }

    /// A payment by its key, as a lookup finds it.
    pub(crate) fn find(&mut self, key: &str, now: DateTime<Utc>) -> Result<&mut Payment, Refusal> {
        let payment = self.any(key, now)?;
        if payment.visible() { Ok(payment) } else { Err(Refusal::new("NOT_FOUND_PAYMENT")) }
    }

    /// The payment that tells most about an order: the approved one, else the newest.
    pub(crate) fn find_order(&mut self, order_id: &str, now: DateTime<Utc>) -> Result<&mut Payment, Refusal> {
        let keys = self.by_order.get(order_id).map(Vec::as_slice).unwrap_or_default();
        let visible = |key: &&String| self.payments.get(*key).is_some_and(Payment::visible);
        let approved = |key: &&String| self.payments.get(*key).is_some_and(Payment::approved);
        let chosen = keys.iter().find(approved).or_else(|| keys.iter().rev().find(visible)).cloned();
        self.find(&chosen.unwrap_or_default(), now)
    }

    /// The order to which a payment key belongs.
    pub(crate) fn order_of(&self, key: &str) -> Option<&str> {
        self.payments.get(key).map(|payment| payment.order_id.as_str())
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

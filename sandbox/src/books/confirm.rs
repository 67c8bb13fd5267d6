//! Confirm: the shop asks for the money of an authenticated payment.

use chrono::{DateTime, Utc};

use super::{Books, journal::LedgerKind, open::Authenticate};
use crate::{
    ids,
    payment::{Payment, Status},
    refusal::Refusal,
};

impl Books {
    /// Approves a payment, or says why not. With `decline` an injected decline takes the place of the card's own.
    ///
    /// The whole decision is made under one lock, so of two confirms that race only one is approved.
    pub(crate) fn confirm(
        &mut self,
        key: &str,
        order_id: &str,
        amount: i64,
        decline: Option<Refusal>,
        now: DateTime<Utc>,
    ) -> Result<&Payment, Refusal> {
        if self.any_key && !self.payments.contains_key(key) {
            self.open_as(key.to_owned(), &Authenticate::new(order_id, amount), now)?;
        }
        let paid_elsewhere = !self.several_approvals && self.approved_elsewhere(order_id, key);
        let payment = self.any(key, now)?;
        // Which code a mismatch gets is not documented; it is a wrong request in any case.
        if payment.order_id != order_id || payment.amount != amount {
            return Err(Refusal::new("INVALID_REQUEST"));
        }
        match payment.status {
            Status::InProgress => {}
            Status::Ready => return Err(Refusal::new("NOT_FOUND_PAYMENT")),
            Status::Expired => return Err(Refusal::new("NOT_FOUND_PAYMENT_SESSION")),
            _ => return Err(Refusal::new("ALREADY_PROCESSED_PAYMENT")),
        }
        // Order ids are unique per shop. Of the codes that are documented for confirm, this one fits.
        if paid_elsewhere {
            return Err(Refusal::new("ALREADY_PROCESSED_PAYMENT"));
        }
        if payment.amount < payment.means.minimum() {
            return Err(Refusal::new("BELOW_MINIMUM_AMOUNT"));
        }
        let by_card = payment.means.card().and_then(|card| card.declined).map(Refusal::new);
        let deadline = payment.deadline();
        if let Some(refusal) = decline.or(by_card) {
            payment.status = Status::Aborted;
            payment.failure = Some(refusal.clone());
            self.reschedule(key, deadline);
            self.changed(key, false, now);
            return Err(refusal);
        }
        approve(payment, now);
        let approved = payment.clone();
        let moved = approved.status == Status::Done;
        let amount = if moved { approved.amount } else { 0 };
        self.journal.write(&approved, LedgerKind::Approval, amount, moved, now);
        self.reschedule(key, deadline);
        self.approved_last(order_id, key);
        self.changed(key, moved, now);
        self.find(key, now).map(|payment| &*payment)
    }
}

/// A virtual account is only issued by a confirm; everything else is paid by it.
fn approve(payment: &mut Payment, now: DateTime<Utc>) {
    payment.last_transaction_key = Some(ids::transaction_key());
    if let Some(account) = payment.means.virtual_account_mut() {
        account.issue(now);
        payment.secret = Some(ids::secret());
        payment.status = Status::WaitingForDeposit;
    } else {
        payment.approved_at = Some(now);
        payment.status = Status::Done;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::means::PayMethod;
    use chrono::Duration;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn code(books: &mut Books, key: &str, amount: i64, now: DateTime<Utc>) -> String {
        match books.confirm(key, "order-0001", amount, None, now) {
            Ok(payment) => format!("{:?}", payment.status),
            Err(refusal) => refusal.code().to_owned(),
        }
    }

    #[test]
    fn the_amount_and_the_order_are_bound_to_the_key() {
        let mut books = Books::default();
        let key = books.open(&Authenticate::new("order-0001", 1_000), NOW).unwrap().payment_key;
        assert_eq!(code(&mut books, &key, 999, NOW), "INVALID_REQUEST");
        assert_eq!(
            books.confirm(&key, "order-0002", 1_000, None, NOW).unwrap_err().code(),
            "INVALID_REQUEST"
        );
        assert_eq!(code(&mut books, &key, 1_000, NOW), "Done");
        assert_eq!(code(&mut books, &key, 1_000, NOW), "ALREADY_PROCESSED_PAYMENT");
        assert_eq!(books.journal.ledger().count(), 1);
    }

    #[test]
    fn ten_minutes_and_thirty_minutes() {
        let mut books = Books::default();
        let key = books.open(&Authenticate::new("order-0001", 1_000).only_opened(), NOW).unwrap().payment_key;
        assert_eq!(code(&mut books, &key, 1_000, NOW), "NOT_FOUND_PAYMENT");
        let later = NOW + Duration::minutes(29);
        books.authenticate(&key, later).unwrap();
        let last = later + Duration::minutes(10);
        assert_eq!(code(&mut books.clone_for_test(&key), &key, 1_000, last - Duration::seconds(1)), "Done");
        assert_eq!(code(&mut books, &key, 1_000, last), "NOT_FOUND_PAYMENT_SESSION");
        assert_eq!(books.find(&key, last).unwrap().status, Status::Expired);

        let slow =
            books.open(&Authenticate::new("order-0001", 1_000).only_opened(), NOW).unwrap().payment_key;
        assert!(books.authenticate(&slow, NOW + Duration::minutes(30)).is_err());
        assert_eq!(books.find(&slow, last).unwrap_err().code(), "NOT_FOUND_PAYMENT");
    }

    #[test]
    fn a_declined_order_can_be_paid_again_and_a_paid_one_cannot() {
        let mut books = Books::default();
        let declined = Authenticate::new("order-0001", 1_000).card("4000000000000001");
        let first = books.open(&declined, NOW).unwrap().payment_key;
        assert_eq!(code(&mut books, &first, 1_000, NOW), "REJECT_CARD_PAYMENT");
        assert_eq!(books.find(&first, NOW).unwrap().status, Status::Aborted);
        assert_eq!(code(&mut books, &first, 1_000, NOW), "ALREADY_PROCESSED_PAYMENT");
        let second = books.open(&Authenticate::new("order-0001", 1_000), NOW).unwrap().payment_key;
        assert_eq!(code(&mut books, &second, 1_000, NOW), "Done");
        let third = books.open(&Authenticate::new("order-0001", 1_000), NOW).unwrap().payment_key;
        assert_eq!(code(&mut books, &third, 1_000, NOW), "ALREADY_PROCESSED_PAYMENT");
    }

    #[test]
    fn a_key_that_nobody_has_seen_is_good_only_when_that_is_asked_for() {
        let mut books = Books::default();
        assert_eq!(code(&mut books, "mine", 1_000, NOW), "NOT_FOUND_PAYMENT");
        books.any_key = true;
        assert_eq!(code(&mut books, "mine", 1_000, NOW), "Done");
        assert_eq!(code(&mut books, "mine", 1_000, NOW), "ALREADY_PROCESSED_PAYMENT");
    }

    #[test]
    fn an_order_can_be_paid_twice_when_that_is_asked_for() {
        let mut books = Books { several_approvals: true, ..Books::default() };
        let mut open = || books.open(&Authenticate::new("order-0001", 1_000), NOW).unwrap().payment_key;
        let (first, second, third) = (open(), open(), open());
        for key in [&second, &first] {
            assert_eq!(code(&mut books, key, 1_000, NOW), "Done");
            assert_eq!(books.find_order("order-0001", NOW).unwrap().key, *key);
        }
        assert_eq!(code(&mut books, &second, 1_000, NOW), "ALREADY_PROCESSED_PAYMENT");
        assert_eq!(books.journal.ledger().count(), 2);
        assert_eq!(books.all_of("order-0001", NOW).count(), 3);
        books.several_approvals = false;
        assert_eq!(code(&mut books, &third, 1_000, NOW), "ALREADY_PROCESSED_PAYMENT");
    }

    #[test]
    fn minimum_amounts_depend_on_the_method() {
        for (method, amount, expected) in [
            (PayMethod::Card, 99, "BELOW_MINIMUM_AMOUNT"),
            (PayMethod::Card, 100, "Done"),
            (PayMethod::Transfer, 199, "BELOW_MINIMUM_AMOUNT"),
            (PayMethod::Transfer, 200, "Done"),
            (PayMethod::VirtualAccount, 200, "WaitingForDeposit"),
            (PayMethod::EasyPay, 1, "Done"),
        ] {
            let mut books = Books::default();
            let key = books.open(&Authenticate::new("order-0001", amount).method(method), NOW).unwrap();
            assert_eq!(code(&mut books, &key.payment_key, amount, NOW), expected, "{method:?} {amount}");
        }
    }

    impl Books {
        fn clone_for_test(&self, key: &str) -> Self {
            let mut books = Self::default();
            books.insert(self.payments[key].clone());
            books
        }
    }
}

//! Deposits into virtual accounts, and their reversals.

use chrono::{DateTime, Utc};

use super::{Books, journal::LedgerKind};
use crate::{
    ids,
    payment::{Payment, Status},
    refusal::Refusal,
};

impl Books {
    /// The virtual accounts that wait for their deposit, of one order or of all, newest first.
    pub(crate) fn waiting(&self, order_id: Option<&str>) -> impl Iterator<Item = &Payment> {
        let newest_first = self.oldest_first.iter().rev().filter_map(|key| self.payments.get(key));
        newest_first
            .filter(|payment| payment.status == Status::WaitingForDeposit)
            .filter(move |payment| order_id.is_none_or(|order_id| payment.order_id == order_id))
    }

    /// The buyer pays into the account.
    pub(crate) fn deposit(&mut self, key: &str, now: DateTime<Utc>) -> Result<&Payment, Refusal> {
        let payment = self.any(key, now)?;
        if payment.status != Status::WaitingForDeposit {
            return Err(Refusal::invalid("the payment does not wait for a deposit"));
        }
        let Some(account) = payment.means.virtual_account_mut() else {
            return Err(Refusal::invalid("the payment has no virtual account"));
        };
        if account.expired(now) {
            return Err(Refusal::invalid("the term of the account has passed: the bank refuses the deposit"));
        }
        account.depositor = Some(account.customer.clone());
        payment.status = Status::Done;
        payment.approved_at = Some(now);
        payment.last_transaction_key = Some(ids::transaction_key());
        let paid = payment.clone();
        self.journal.write(&paid, LedgerKind::Approval, paid.amount, true, now);
        self.changed(key, true, now);
        self.find(key, now).map(|payment| &*payment)
    }

    /// The bank takes the deposit back: the payment waits again, and its money is gone.
    ///
    /// How Toss lists this among the transactions is not documented. Here it is a row of its own, with the status
    /// that the payment then has, `WAITING_FOR_DEPOSIT`, and the amount that went back; the row of the issue has
    /// that status too, and the amount 0.
    pub(crate) fn reverse_deposit(&mut self, key: &str, now: DateTime<Utc>) -> Result<&Payment, Refusal> {
        let payment = self.any(key, now)?;
        if payment.status != Status::Done {
            return Err(Refusal::invalid("only a deposit of which nothing was canceled can be reversed"));
        }
        let Some(account) = payment.means.virtual_account_mut() else {
            return Err(Refusal::invalid("the payment has no virtual account"));
        };
        account.depositor = None;
        payment.status = Status::WaitingForDeposit;
        payment.approved_at = None;
        payment.last_transaction_key = Some(ids::transaction_key());
        let reversed = payment.clone();
        self.journal.write(&reversed, LedgerKind::Cancel, reversed.amount, true, now);
        self.changed(key, true, now);
        self.find(key, now).map(|payment| &*payment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{books::open::Authenticate, means::PayMethod};
    use chrono::Duration;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[test]
    fn a_deposit_comes_goes_back_and_comes_again() {
        let mut books = Books::default();
        let buyer = Authenticate::new("order-0001", 5_000).method(PayMethod::VirtualAccount);
        let key = books.open(&buyer, NOW).unwrap().payment_key;
        assert!(books.deposit(&key, NOW).is_err());
        books.confirm(&key, "order-0001", 5_000, None, NOW).unwrap();
        assert_eq!(books.journal.ledger().count(), 0);
        assert_eq!(books.deposit(&key, NOW).unwrap().status, Status::Done);
        assert_eq!(books.reverse_deposit(&key, NOW).unwrap().status, Status::WaitingForDeposit);
        assert_eq!(books.deposit(&key, NOW).unwrap().status, Status::Done);
        assert_eq!(books.journal.summary()["totals"]["balance"], 5_000);
    }

    #[test]
    fn after_its_term_an_account_waits_in_vain() {
        let mut books = Books::default();
        let buyer = Authenticate::new("order-0001", 5_000).method(PayMethod::VirtualAccount);
        let key = books.open(&buyer, NOW).unwrap().payment_key;
        books.confirm(&key, "order-0001", 5_000, None, NOW).unwrap();
        let late = NOW + Duration::days(8);
        assert!(books.deposit(&key, late).is_err());
        assert_eq!(books.find(&key, late).unwrap().status, Status::WaitingForDeposit);
    }
}

//! Compares one row of Toss's list with what we hold. A pure function: it clears rows that surely agree, and whatever
//! it does not clear is looked up before anything is concluded.

use chrono::{DateTime, Duration, Utc};
use entity::payment::PaymentStatus;
use entity::refund::RefundStatus;
use entity::{payment, refund};

use super::books::Ours;
use crate::payments::apply::was_approved;
use crate::toss::{Status, Transaction};

/// What comparing a row brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// Our books say the same.
    Agrees,
    /// A request of ours about it may still be running: it is for the next run.
    UnderWay,
    /// Ask Toss.
    Doubtful,
}

/// How a row of Toss's stands against `ours`, which is none where we do not know the order. `call` is the longest time
/// that one request can run.
pub(super) fn compare(
    row: &Transaction,
    ours: Option<&Ours>,
    call: Duration,
    now: DateTime<Utc>,
) -> Compared {
    let Some(ours) = ours else { return Compared::Doubtful };
    let pending = ours.refunds.iter().any(|refund| refund_under_way(refund, call, now));
    if agrees(row, ours) {
        Compared::Agrees
    } else if payment_under_way(&ours.payment, call, now) || pending {
        Compared::UnderWay
    } else {
        Compared::Doubtful
    }
}

fn agrees(row: &Transaction, ours: &Ours) -> bool {
    let payment = &ours.payment;
    let same = payment.payment_key.as_ref().is_some_and(|key| key.as_str() == row.payment_key);
    let won = row.currency.as_deref().is_none_or(|currency| currency == "KRW");
    if !same || !won {
        return false;
    }
    let paid = was_approved(payment.status) && payment.approved_at.is_some();
    let whole = !paid || payment.balance_amount.get() + ours.refunded() == payment.amount.get();
    let about = |won: i64| row.amount == Some(won.unsigned_abs());
    whole
        && match row.status {
            Status::Done => paid && about(payment.amount.get()),
            Status::Canceled | Status::PartialCanceled => {
                let ours = ours.refunds.iter().any(|refund| {
                    refund.status == RefundStatus::Done
                        && refund.transaction_key.as_ref() == Some(&row.transaction_key)
                        && about(refund.amount.get())
                });
                // An account that was cancelled before its deposit: no money, whatever amount the row shows.
                ours || payment.status == PaymentStatus::Canceled && payment.approved_at.is_none()
            }
            // An account was issued, whatever became of it.
            Status::WaitingForDeposit => row.amount == Some(0) && payment.status != PaymentStatus::InProgress,
            Status::Ready | Status::InProgress | Status::Aborted | Status::Expired | Status::Unlisted => {
                false
            }
        }
}

/// Whether the first request about the newest attempt may still be running.
pub(super) fn payment_under_way(payment: &payment::Model, call: Duration, now: DateTime<Utc>) -> bool {
    payment.status == PaymentStatus::InProgress
        && payment.settle_tries == 0
        && payment.attempted_at.is_some_and(|at| now < at + call)
}

/// Whether the first request for the refund may still be running: a look-up can follow it.
pub(super) fn refund_under_way(refund: &refund::Model, call: Duration, now: DateTime<Utc>) -> bool {
    refund.status == RefundStatus::Pending && refund.settle_tries == 0 && now < refund.created_at + call * 2
}

#[cfg(test)]
mod tests {
    use entity::{Currency, PlanId, Won};

    use super::*;

    fn won(amount: i64) -> Won {
        Won::new(amount).expect("an amount")
    }

    fn ours(status: PaymentStatus, balance: i64) -> Ours {
        let at = DateTime::UNIX_EPOCH;
        let payment = payment::Model {
            order_id: "order-0001".parse().expect("an id"),
            user_id: "u1".parse().expect("an id"),
            plan_id: PlanId::new(),
            order_name: "a month".to_owned(),
            amount: won(9_900),
            balance_amount: won(balance),
            currency: Currency::Krw,
            interval_months: Some(1),
            status,
            payment_method: None,
            payment_key: Some("key".parse().expect("a key")),
            receipt_url: None,
            failure_code: None,
            failure_message: None,
            virtual_account: None,
            toss_secret: None,
            requested_at: None,
            approved_at: was_approved(status).then_some(at),
            attempt: 1,
            idempotency_key: None,
            attempted_at: Some(at),
            next_settle_at: None,
            settle_tries: 0,
            not_found_count: 0,
            created_at: at,
            updated_at: at,
        };
        Ours { payment, refunds: Vec::new() }
    }

    fn row(status: Status, amount: u64) -> Transaction {
        Transaction {
            transaction_key: "row".to_owned(),
            payment_key: "key".to_owned(),
            order_id: "order-0001".to_owned(),
            status,
            amount: Some(amount),
            currency: Some("KRW".to_owned()),
            transaction_at: None,
        }
    }

    fn at(row: &Transaction, ours: &Ours, seconds: i64) -> Compared {
        compare(row, Some(ours), Duration::seconds(75), DateTime::UNIX_EPOCH + Duration::seconds(seconds))
    }

    #[test]
    fn only_the_same_key_amount_and_currency_agree() {
        let done = ours(PaymentStatus::Done, 9_900);
        let same = row(Status::Done, 9_900);
        assert_eq!(at(&same, &done, 0), Compared::Agrees);
        let others = [
            Transaction { payment_key: "other".to_owned(), ..same.clone() },
            Transaction { amount: Some(9_901), ..same.clone() },
            Transaction { amount: None, ..same.clone() },
            Transaction { currency: Some("USD".to_owned()), ..same.clone() },
            Transaction { status: Status::Unlisted, ..same.clone() },
            Transaction { status: Status::Canceled, ..same.clone() },
        ];
        for other in others {
            assert_eq!(at(&other, &done, 0), Compared::Doubtful, "{other:?}");
        }
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(compare(&same, None, Duration::zero(), now), Compared::Doubtful);
    }

    #[test]
    fn a_balance_that_refunds_do_not_explain_is_doubtful() {
        let odd = ours(PaymentStatus::PartialCanceled, 9_000);
        assert_eq!(at(&row(Status::Done, 9_900), &odd, 0), Compared::Doubtful);
    }

    #[test]
    fn an_account_moves_no_money_until_its_deposit() {
        let waiting = ours(PaymentStatus::WaitingForDeposit, 0);
        assert_eq!(at(&row(Status::WaitingForDeposit, 0), &waiting, 0), Compared::Agrees);
        // That row takes a deposit back, and says so by its amount alone.
        assert_eq!(at(&row(Status::WaitingForDeposit, 9_900), &waiting, 0), Compared::Doubtful);
        assert_eq!(at(&row(Status::Done, 9_900), &waiting, 0), Compared::Doubtful);
    }

    #[test]
    fn a_claim_is_left_alone_for_as_long_as_its_request_can_run() {
        let mut claimed = ours(PaymentStatus::InProgress, 0);
        let row = row(Status::Done, 9_900);
        assert_eq!(at(&row, &claimed, 74), Compared::UnderWay);
        assert_eq!(at(&row, &claimed, 75), Compared::Doubtful);
        claimed.payment.settle_tries = 1;
        assert_eq!(at(&row, &claimed, 1), Compared::Doubtful);
    }
}

//! Tests of cancel: the table of its rules.

use serde_json::{Value, json};

use super::*;
use crate::{books::open::Authenticate, means::PayMethod};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
const FREE: By = By::Shop { consecutive_limit: false };

fn paid(method: PayMethod, amount: i64, tax_free: i64) -> (Books, String) {
    let mut books = Books::default();
    let mut buyer = Authenticate::new("order-0001", amount).method(method);
    buyer.tax_free_amount = tax_free;
    let key = books.open(&buyer, NOW).unwrap().payment_key;
    books.confirm(&key, "order-0001", amount, None, NOW).unwrap();
    (books, key)
}

/// Cancels with the members of `more` beside a reason, and tells status and balance, or the code.
fn cancel(books: &mut Books, key: &str, more: Value, by: By, now: DateTime<Utc>) -> (String, i64) {
    let mut body = json!({"cancelReason": "변심"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let asked = CancelRequest::parse(&body).unwrap();
    let told = match books.cancel(key, &asked, by, now) {
        Ok(payment) => format!("{:?}", payment.status),
        Err(refusal) => refusal.code().to_owned(),
    };
    (told, books.find(key, now).unwrap().balance)
}

#[test]
fn in_one_piece_and_in_parts_end_differently() {
    let (mut books, key) = paid(PayMethod::Card, 1_000, 0);
    assert_eq!(cancel(&mut books, &key, json!({}), FREE, NOW), ("Canceled".into(), 0));
    assert_eq!(cancel(&mut books, &key, json!({}), FREE, NOW), ("ALREADY_CANCELED_PAYMENT".into(), 0));

    let (mut books, key) = paid(PayMethod::Card, 1_000, 0);
    let part = |amount: i64| json!({"cancelAmount": amount});
    assert_eq!(cancel(&mut books, &key, part(1_001), FREE, NOW), ("NOT_CANCELABLE_AMOUNT".into(), 1_000));
    assert_eq!(cancel(&mut books, &key, part(300), FREE, NOW), ("PartialCanceled".into(), 700));
    assert_eq!(cancel(&mut books, &key, part(701), FREE, NOW), ("NOT_CANCELABLE_AMOUNT".into(), 700));
    assert_eq!(cancel(&mut books, &key, part(700), FREE, NOW), ("PartialCanceled".into(), 0));
    assert_eq!(cancel(&mut books, &key, part(1), FREE, NOW), ("NOT_CANCELABLE_AMOUNT".into(), 0));
    assert_eq!(cancel(&mut books, &key, json!({}), FREE, NOW), ("NOT_CANCELABLE_AMOUNT".into(), 0));
    let kinds: Vec<_> = books.journal.ledger().map(|entry| (entry.kind, entry.amount)).collect();
    let (approval, cancel) = (LedgerKind::Approval, LedgerKind::Cancel);
    assert_eq!(kinds, [(approval, 1_000), (cancel, 300), (cancel, 700)]);
}

#[test]
fn the_expected_balance_is_a_lock() {
    let (mut books, key) = paid(PayMethod::Card, 1_000, 0);
    let asked = |amount: i64, expected: i64| json!({"cancelAmount": amount, "refundableAmount": expected});
    assert_eq!(
        cancel(&mut books, &key, asked(300, 999), FREE, NOW),
        ("NOT_MATCHES_REFUNDABLE_AMOUNT".into(), 1_000)
    );
    assert_eq!(cancel(&mut books, &key, asked(300, 1_000), FREE, NOW), ("PartialCanceled".into(), 700));
    assert_eq!(
        cancel(&mut books, &key, asked(300, 1_000), FREE, NOW),
        ("NOT_MATCHES_REFUNDABLE_AMOUNT".into(), 700)
    );
}

#[test]
fn a_second_cancel_within_a_second_is_refused_and_staff_are_not() {
    let (mut books, key) = paid(PayMethod::Card, 1_000, 0);
    let limited = By::Shop { consecutive_limit: true };
    let part = || json!({"cancelAmount": 100});
    assert_eq!(cancel(&mut books, &key, part(), limited, NOW).1, 900);
    // The rule goes by a real stopwatch: set it ahead, so that a slow machine changes nothing.
    books.payments.get_mut(&key).unwrap().last_cancel = Some(Instant::now() + RealTime::from_secs(3_600));
    assert_eq!(
        cancel(&mut books, &key, part(), limited, NOW + Duration::days(1)),
        ("FORBIDDEN_CONSECUTIVE_REQUEST".into(), 900)
    );
    assert_eq!(cancel(&mut books, &key, part(), By::Staff, NOW).1, 800);
    books.payments.get_mut(&key).unwrap().last_cancel = Instant::now().checked_sub(CONSECUTIVE);
    assert_eq!(cancel(&mut books, &key, part(), limited, NOW).1, 700);
}

#[test]
fn tax_shrinks_with_the_balance() {
    let (mut books, key) = paid(PayMethod::Card, 11_000, 0);
    let tax = |books: &mut Books, key: &str| {
        let payment = books.find(key, NOW).unwrap();
        (payment.supplied(), payment.vat(), payment.tax_free_left)
    };
    assert_eq!(tax(&mut books, &key), (10_000, 1_000, 0));
    cancel(&mut books, &key, json!({"cancelAmount": 300}), FREE, NOW);
    assert_eq!(tax(&mut books, &key), (9_727, 973, 0));
    cancel(&mut books, &key, json!({}), FREE, NOW);
    assert_eq!(tax(&mut books, &key), (0, 0, 0));

    let (mut books, key) = paid(PayMethod::Card, 10_000, 4_500);
    assert_eq!(tax(&mut books, &key), (5_000, 500, 4_500));
    let asked = |amount: i64, free: i64| json!({"cancelAmount": amount, "taxFreeAmount": free});
    assert_eq!(cancel(&mut books, &key, asked(1_000, 1_001), FREE, NOW).0, "INVALID_REQUEST");
    assert_eq!(cancel(&mut books, &key, asked(6_000, 0), FREE, NOW).0, "INVALID_REQUEST");
    assert_eq!(cancel(&mut books, &key, asked(1_000, 500), FREE, NOW).0, "PartialCanceled");
    assert_eq!(tax(&mut books, &key), (4_545, 455, 4_000));
}

#[test]
fn refunds_have_deadlines_by_method() {
    let day = Duration::days(1);
    for (method, last, first_late) in [
        (PayMethod::Transfer, day * 180, day * 181),
        (PayMethod::MobilePhone, day * 30 + Duration::hours(14), day * 30 + Duration::hours(16)),
    ] {
        let (mut books, key) = paid(method, 1_000, 0);
        assert_eq!(cancel(&mut books, &key, json!({}), FREE, NOW + first_late).0, "EXCEED_MAX_REFUND_DUE");
        assert_eq!(cancel(&mut books, &key, json!({}), FREE, NOW + last).0, "Canceled", "{method:?}");
    }
    let (mut books, key) = paid(PayMethod::Card, 1_000, 0);
    assert_eq!(cancel(&mut books, &key, json!({}), FREE, NOW + day * 1_000).0, "Canceled");
}

#[test]
fn a_virtual_account_before_its_deposit_is_canceled_only_as_a_whole() {
    let (mut books, key) = paid(PayMethod::VirtualAccount, 1_000, 0);
    let part = json!({"cancelAmount": 300});
    let refused = cancel(&mut books, &key, part, FREE, NOW);
    assert_eq!(refused, ("NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT".into(), 1_000));
    assert_eq!(cancel(&mut books, &key, json!({}), FREE, NOW).0, "Canceled");
    assert_eq!(books.journal.ledger().count(), 0);
}

#[test]
fn a_virtual_account_after_its_deposit_needs_an_account() {
    let (mut books, key) = paid(PayMethod::VirtualAccount, 1_000, 0);
    books.deposit(&key, NOW).unwrap();
    assert_eq!(cancel(&mut books, &key, json!({}), FREE, NOW).0, "INVALID_REFUND_ACCOUNT_INFO");
    let to = |bank: &str| {
        let account = json!({"bank": bank, "accountNumber": "110123456789", "holderName": "김토스"});
        json!({"cancelAmount": 400, "refundReceiveAccount": account})
    };
    assert_eq!(cancel(&mut books, &key, to("ZZ"), FREE, NOW).0, "INVALID_BANK");
    let late = NOW + Duration::days(366);
    assert_eq!(cancel(&mut books, &key, to("20"), FREE, late).0, "EXCEED_MAX_REFUND_DUE");
    assert_eq!(cancel(&mut books, &key, to("20"), FREE, NOW), ("PartialCanceled".into(), 600));
    let account = books.find(&key, NOW).unwrap().means.virtual_account().unwrap().clone();
    assert_eq!(account.readable_refund(NOW).unwrap().bank, "20");
    assert_eq!(account.readable_refund(NOW + Duration::minutes(30)), None);
    assert_eq!(account.refund_status(NOW + Duration::days(1)), "PENDING");
    assert_eq!(account.refund_status(NOW + Duration::days(2)), "COMPLETED");
    assert_eq!(cancel(&mut books, &key, json!({}), By::Staff, NOW), ("PartialCanceled".into(), 0));
}

#[test]
fn only_what_was_approved_can_be_canceled() {
    let mut books = Books::default();
    let key = books.open(&Authenticate::new("order-0001", 1_000), NOW).unwrap().payment_key;
    assert_eq!(cancel(&mut books, &key, json!({}), FREE, NOW).0, "NOT_CANCELABLE_PAYMENT");
    let opened = books.open(&Authenticate::new("order-0002", 1_000).only_opened(), NOW).unwrap();
    let asked = CancelRequest::by_staff(None, "reason");
    assert_eq!(books.cancel(&opened.payment_key, &asked, FREE, NOW).unwrap_err().code(), "NOT_FOUND_PAYMENT");
}

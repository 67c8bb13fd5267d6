//! Cancel over HTTP; the table of its rules is tested beside the rules.

use reqwest::Method;
use serde_json::json;
use toss_sandbox::{LedgerKind, Options};

use crate::support::{Shop, said};

#[tokio::test]
async fn parts_end_in_partial_canceled_with_nothing_left() {
    let shop = Shop::open().await;
    let sold = shop.sell("order-0001", 1_000).await;
    let first = shop.cancel(&sold, json!({"cancelAmount": 300, "refundableAmount": 1_000})).await;
    assert_eq!(first.told(), said(200, "PARTIAL_CANCELED"));
    let stale = shop.cancel(&sold, json!({"cancelAmount": 300, "refundableAmount": 1_000})).await;
    assert_eq!(stale.told(), said(400, "NOT_MATCHES_REFUNDABLE_AMOUNT"));
    let second = shop.cancel(&sold, json!({"cancelAmount": 700})).await.json();
    assert_eq!((&second["status"], &second["balanceAmount"]), (&json!("PARTIAL_CANCELED"), &json!(0)));
    assert_eq!((&second["totalAmount"], &second["vat"]), (&json!(1_000), &json!(0)));
    let cancels = second["cancels"].as_array().unwrap();
    assert_eq!(cancels.iter().map(|c| c["cancelAmount"].as_i64().unwrap()).collect::<Vec<_>>(), [300, 700]);
    assert_eq!(cancels.iter().map(|c| c["refundableAmount"].as_i64().unwrap()).collect::<Vec<_>>(), [700, 0]);
    assert_ne!(cancels[0]["transactionKey"], cancels[1]["transactionKey"]);
    assert_eq!(second["lastTransactionKey"], cancels[1]["transactionKey"]);
    assert_eq!(shop.cancel(&sold, json!({})).await.told(), said(403, "NOT_CANCELABLE_AMOUNT"));
    let kinds: Vec<_> = shop.toss.ledger().iter().map(|entry| (entry.kind, entry.amount)).collect();
    assert_eq!(kinds, [(LedgerKind::Approval, 1_000), (LedgerKind::Cancel, 300), (LedgerKind::Cancel, 700)]);
}

#[tokio::test]
async fn in_one_piece_ends_in_canceled() {
    let shop = Shop::open().await;
    let sold = shop.sell("order-0001", 1_000).await;
    let told = shop.cancel(&sold, json!({})).await;
    assert_eq!(told.told(), said(200, "CANCELED"));
    assert_eq!(told.json()["card"]["acquireStatus"], "CANCELED");
    assert_eq!(shop.cancel(&sold, json!({})).await.told(), said(400, "ALREADY_CANCELED_PAYMENT"));
    let unknown = shop.cancel("/v1/payments/none", json!({})).await;
    assert_eq!(unknown.told(), said(404, "NOT_FOUND_PAYMENT"));
}

#[tokio::test]
async fn a_second_cancel_within_a_second_is_refused_by_default() {
    let shop = Shop::open_with(Options::default()).await;
    // The rule goes by real time, so a slow machine may miss it: try until two cancels come close.
    for round in 0..50 {
        let sold = shop.sell(&format!("order-{round:04}"), 1_000).await;
        shop.cancel(&sold, json!({"cancelAmount": 100})).await;
        let second = shop.cancel(&sold, json!({"cancelAmount": 100})).await.told();
        if second == said(403, "FORBIDDEN_CONSECUTIVE_REQUEST") {
            assert_eq!(shop.get(&sold).await.json()["balanceAmount"], 900);
            return;
        }
    }
    panic!("two cancels in a row were never refused");
}

#[tokio::test]
async fn a_paid_account_is_refunded_to_an_account_that_shows_for_half_an_hour() {
    let shop = Shop::open().await;
    let key = shop.issue("order-0001", 5_000).await["paymentKey"].as_str().unwrap().to_owned();
    let sold = format!("/v1/payments/{key}");
    let part = shop.cancel(&sold, json!({"cancelAmount": 1_000})).await;
    assert_eq!(part.told(), said(403, "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT"));
    shop.toss.deposit(&key).unwrap();
    let to = |bank: &str, number: &str, holder: &str| {
        let account = json!({"bank": bank, "accountNumber": number, "holderName": holder});
        json!({"cancelAmount": 1_000, "refundReceiveAccount": account})
    };
    for (asked, code) in [
        (json!({"cancelAmount": 1_000}), "INVALID_REFUND_ACCOUNT_INFO"),
        (to("ZZ", "110123456789", "김토스"), "INVALID_BANK"),
        (to("88", "110-123-456789", "김토스"), "INVALID_REFUND_ACCOUNT_NUMBER"),
        (to("88", "110123456789", ""), "INVALID_REFUND_ACCOUNT_INFO"),
    ] {
        assert_eq!(shop.cancel(&sold, asked).await.told(), said(400, code));
    }
    let account = async || shop.get(&sold).await.json()["virtualAccount"].clone();
    assert_eq!(account().await["refundStatus"], "NONE");
    let told = shop.cancel(&sold, to("88", "110123456789", "김토스")).await;
    assert_eq!(told.told(), said(200, "PARTIAL_CANCELED"));
    let shown = json!({"bankCode": "88", "accountNumber": "110123456789", "holderName": "김토스"});
    assert_eq!(account().await["refundReceiveAccount"], shown);
    assert_eq!(account().await["refundStatus"], "PENDING");
    shop.toss.clock().advance(chrono::Duration::minutes(30));
    assert_eq!(account().await["refundReceiveAccount"], json!(null));
    shop.toss.clock().advance(chrono::Duration::days(2));
    assert_eq!(account().await["refundStatus"], "COMPLETED");
    // A card needs none, and does not look at one.
    let card = shop.sell("order-0002", 5_000).await;
    assert_eq!(shop.cancel(&card, to("ZZ", "x", "")).await.told(), said(200, "PARTIAL_CANCELED"));
}

#[tokio::test]
async fn an_account_that_was_not_paid_is_canceled_as_a_whole_and_needs_no_account() {
    let shop = Shop::open().await;
    let key = shop.issue("order-0001", 5_000).await["paymentKey"].as_str().unwrap().to_owned();
    let told = shop.cancel(&format!("/v1/payments/{key}"), json!({"cancelAmount": 5_000})).await;
    assert_eq!(told.told(), said(200, "CANCELED"));
    assert_eq!(told.json()["virtualAccount"]["refundStatus"], "NONE");
    assert_eq!(shop.toss.ledger().len(), 0);
}

#[tokio::test]
async fn staff_cancel_in_the_console() {
    let shop = Shop::open().await;
    let sold = shop.sell("order-0001", 1_000).await;
    let key = sold.rsplit('/').next().unwrap();
    let event = format!("payments/{key}/console-cancel");
    let asked = json!({"cancelAmount": 400, "cancelReason": "관리자 취소"}).to_string();
    let told = shop.control(Method::POST, &event, &asked).await;
    assert_eq!(told.told(), said(200, "PARTIAL_CANCELED"));
    assert_eq!(shop.control(Method::POST, &event, "{}").await.told(), said(400, "INVALID_REQUEST"));
    shop.toss.console_cancel(key, None, "관리자 취소").unwrap();
    assert_eq!(shop.get(&sold).await.json()["balanceAmount"], 0);
    assert!(shop.toss.console_cancel(key, None, "관리자 취소").is_err());
}

//! `GET /v1/transactions`: a row for every approval and cancel, by day and page by page.

use chrono::{DateTime, Duration};
use serde_json::{Value, json};
use toss_sandbox::{Authenticate, PayMethod};

use crate::support::{Shop, said};

const ALL: &str = "/v1/transactions?startDate=2000-01-01&endDate=2100-01-01";

async fn rows(shop: &Shop, path: &str) -> Vec<Value> {
    let told = shop.get(path).await;
    assert_eq!(told.status, 200, "{}", told.text);
    told.json().as_array().unwrap().clone()
}

#[tokio::test]
async fn approvals_and_cancels_are_rows_of_their_own() {
    let shop = Shop::open().await;
    let sold = shop.sell("order-0001", 1_000).await;
    shop.cancel(&sold, json!({"cancelAmount": 300})).await;
    let account = shop.customer(Authenticate::new("order-0002", 500).method(PayMethod::VirtualAccount));
    shop.confirm(&account).await;
    shop.toss.deposit(account["paymentKey"].as_str().unwrap()).unwrap();
    let rows = rows(&shop, ALL).await;
    let told: Vec<_> =
        rows.iter().map(|row| (row["status"].as_str().unwrap(), row["amount"].as_i64().unwrap())).collect();
    assert_eq!(told, [("DONE", 1_000), ("PARTIAL_CANCELED", 300), ("WAITING_FOR_DEPOSIT", 0), ("DONE", 500)]);
    assert_eq!(rows[0]["paymentKey"], rows[1]["paymentKey"]);
    assert_ne!(rows[0]["transactionKey"], rows[1]["transactionKey"]);
    for field in
        ["mId", "orderId", "method", "customerKey", "useEscrow", "receiptUrl", "transactionAt", "currency"]
    {
        assert!(rows[0].get(field).is_some(), "{field}");
    }
}

#[tokio::test]
async fn a_reversed_deposit_and_a_cancel_before_it_are_rows_too() {
    let shop = Shop::open().await;
    let key = shop.issue("order-0001", 5_000).await["paymentKey"].as_str().unwrap().to_owned();
    shop.toss.deposit(&key).unwrap();
    shop.toss.reverse_deposit(&key).unwrap();
    shop.toss.console_cancel(&key, None, "미입금").unwrap();
    let rows = rows(&shop, ALL).await;
    let told: Vec<_> =
        rows.iter().map(|row| (row["status"].as_str().unwrap(), row["amount"].as_i64().unwrap())).collect();
    let waiting = "WAITING_FOR_DEPOSIT";
    assert_eq!(told, [(waiting, 0), ("DONE", 5_000), (waiting, 5_000), ("CANCELED", 5_000)]);
    assert!(rows.iter().all(|row| row["paymentKey"] == key.as_str()));
    let mut keys: Vec<_> = rows.iter().map(|row| row["transactionKey"].as_str().unwrap()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 4);
    // What the bank took back is gone, and canceling what nobody paid moves nothing.
    assert_eq!(shop.toss.ledger().len(), 2);
}

#[tokio::test]
async fn a_page_has_100_rows_unless_told_otherwise() {
    let shop = Shop::open().await;
    for n in 0..101 {
        shop.sell(&format!("order-{n:04}"), 1_000).await;
    }
    assert_eq!(rows(&shop, ALL).await.len(), 100);
    assert_eq!(rows(&shop, &format!("{ALL}&limit=5000")).await.len(), 101);
}

#[tokio::test]
async fn pages_follow_the_cursor_until_one_is_short() {
    let shop = Shop::open().await;
    for n in 0..7 {
        shop.sell(&format!("order-{n:04}"), 1_000).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = rows(&shop, &format!("{ALL}&limit=3{cursor}")).await;
        seen.extend(page.iter().map(|row| row["orderId"].as_str().unwrap().to_owned()));
        if page.len() < 3 {
            break;
        }
        cursor = format!("&startingAfter={}", page[2]["transactionKey"].as_str().unwrap());
    }
    assert_eq!(seen, (0..7).map(|n| format!("order-{n:04}")).collect::<Vec<_>>());
    let bad = shop.get(&format!("{ALL}&startingAfter=none")).await;
    assert_eq!(bad.told(), said(400, "INVALID_PAGING_KEY"));
    let bad = shop.get(&format!("{ALL}&limit=5001")).await;
    assert_eq!(bad.told(), said(400, "EXCEED_MAX_QUERY_LIMIT"));
    assert_eq!(shop.get("/v1/transactions").await.told(), said(400, "INVALID_REQUEST"));
}

#[tokio::test]
async fn a_range_is_in_korean_seconds_and_includes_its_ends() {
    let shop = Shop::open().await;
    shop.sell("order-0001", 1_000).await;
    shop.toss.clock().advance(Duration::days(2));
    shop.sell("order-0002", 1_000).await;
    let all = rows(&shop, ALL).await;
    let at = |row: &Value| row["transactionAt"].as_str().unwrap().trim_end_matches("+09:00").to_owned();
    let (first, second) = (at(&all[0]), at(&all[1]));
    assert!(DateTime::parse_from_rfc3339(all[0]["transactionAt"].as_str().unwrap()).is_ok());
    let only = rows(&shop, &format!("/v1/transactions?startDate={first}&endDate={first}")).await;
    assert_eq!(only.len(), 1);
    assert_eq!(only[0]["orderId"], "order-0001");
    let both = rows(&shop, &format!("/v1/transactions?startDate={first}&endDate={second}")).await;
    assert_eq!(both.len(), 2);
    let day = second.split('T').next().unwrap();
    let midnight = rows(&shop, &format!("/v1/transactions?startDate={day}&endDate={day}")).await;
    // A date alone means its midnight: a range of one day holds nothing (save what happens at 00:00:00).
    assert!(midnight.is_empty() || second.ends_with("T00:00:00"));
    let whole = rows(&shop, &format!("/v1/transactions?startDate={day}&endDate={day}T23:59:59")).await;
    assert_eq!(whole.len(), 1);
}

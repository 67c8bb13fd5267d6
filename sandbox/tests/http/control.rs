//! The control calls over HTTP, as a person with curl makes them.

use reqwest::Method;
use serde_json::json;

use crate::{
    receiver::{Receiver, idle},
    support::{CONFIRM, Shop, said, send},
};

#[tokio::test]
async fn a_purchase_by_curl() {
    let shop = Shop::open().await;
    let asked =
        json!({"orderId": "order-0001", "amount": 9_900, "orderName": "한 달", "customerKey": "user-1"});
    let opened = shop.control(Method::POST, "payments", &asked.to_string()).await.json();
    assert_eq!((&opened["status"], &opened["paymentType"]), (&json!("IN_PROGRESS"), &json!("NORMAL")));
    let body = json!({"paymentKey": opened["paymentKey"], "orderId": "order-0001", "amount": 9_900});
    let payment = send(shop.keyed(CONFIRM, "one", &body)).await.unwrap().json();
    assert_eq!(payment["orderName"], "한 달");
    let ledger = shop.control(Method::GET, "ledger", "").await.json();
    assert_eq!(ledger["totals"], json!({"approved": 9_900, "canceled": 0, "balance": 9_900}));
    assert_eq!(ledger["entries"][0]["kind"], "APPROVAL");
    assert_eq!(ledger["orders"], json!({"order-0001": 9_900}));
    let requests = shop.control(Method::GET, "requests", "").await.json();
    assert_eq!(requests["requests"].as_array().unwrap().len(), 1);
    assert_eq!(requests["requests"][0]["idempotencyKey"], "one");
    assert_eq!(requests["requests"][0]["operation"], "confirm");
    let receipt = payment["receipt"]["url"].as_str().unwrap().replace(&shop.toss.url(), "");
    assert_eq!(send(shop.bare(Method::GET, &receipt)).await.unwrap().json(), payment);
}

#[tokio::test]
async fn a_window_that_stands_open() {
    let shop = Shop::open().await;
    let asked = json!({"orderId": "order-0001", "amount": 9_900, "authenticated": false});
    let opened = shop.control(Method::POST, "payments", &asked.to_string()).await.json();
    assert_eq!(opened["status"], "READY");
    let event = format!("payments/{}/authenticate", opened["paymentKey"].as_str().unwrap());
    assert_eq!(shop.control(Method::POST, &event, "").await.json()["status"], "IN_PROGRESS");
    let unknown = shop.control(Method::POST, "payments/none/authenticate", "").await;
    assert_eq!(unknown.told(), said(404, "NOT_FOUND_PAYMENT"));
}

#[tokio::test]
async fn wrong_buyers_are_refused_with_a_reason() {
    let shop = Shop::open().await;
    for bad in [
        json!({"orderId": "short", "amount": 100}),
        json!({"orderId": "order 0001", "amount": 100}),
        json!({"orderId": "order-0001", "amount": 0}),
        json!({"orderId": "order-0001", "amount": 10.5}),
        json!({"orderId": "order-0001", "amount": "100"}),
        json!({"orderId": "order-0001", "amount": 2_000_000_000_000_i64}),
        json!({"orderId": "order-0001", "amount": 100, "method": "CASH"}),
        json!({"orderId": "order-0001", "amount": 100, "orderName": "x".repeat(101)}),
        json!({"orderId": "order-0001", "amount": 100, "typo": 1}),
    ] {
        let told = shop.control(Method::POST, "payments", &bad.to_string()).await;
        assert_eq!(told.told(), said(400, "INVALID_REQUEST"), "{bad}");
    }
}

#[tokio::test]
async fn an_order_is_shown_with_all_that_happened_to_it() {
    let shop = Shop::open().await;
    let receiver = Receiver::start().await;
    shop.toss.set_webhook_url(Some(receiver.url.clone())).unwrap();
    let switch = r#"{"oneApprovalPerOrder":false}"#;
    let options = shop.control(Method::POST, "options", switch).await.json();
    assert_eq!(options, json!({"unknownFields": false, "oneApprovalPerOrder": false}));
    let first = shop.sell("order-0001=", 1_000).await;
    let second = shop.sell("order-0001=", 1_000).await;
    shop.sell("order-0002", 5_000).await;
    shop.cancel(&first, json!({"cancelAmount": 300})).await;
    idle(&shop.toss).await;
    let order = shop.control(Method::GET, "orders/order-0001%3D", "").await.json();
    assert_eq!(order["totals"], json!({"approved": 2_000, "canceled": 300, "balance": 1_700}));
    assert_eq!(order["entries"].as_array().unwrap().len(), 3);
    let states: Vec<_> = order["payments"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(states, ["PARTIAL_CANCELED", "DONE"]);
    assert_eq!(order["webhooks"].as_array().unwrap().len(), 3);
    let key = second.rsplit('/').next().unwrap();
    let payment = shop.control(Method::GET, &format!("payments/{key}"), "").await.json();
    assert_eq!(payment, shop.get(&second).await.json());
    let nothing = shop.control(Method::GET, "orders/order-none", "").await.json();
    assert_eq!((&nothing["payments"], &nothing["totals"]["balance"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn another_process_can_work_a_virtual_account() {
    let shop = Shop::open().await;
    let asked = json!({"orderId": "order-0001", "amount": 5_000, "method": "VIRTUAL_ACCOUNT"}).to_string();
    let opened = shop.control(Method::POST, "payments", &asked).await.json();
    let key = opened["paymentKey"].as_str().unwrap();
    let state =
        async || shop.control(Method::GET, &format!("payments/{key}"), "").await.json()["status"].clone();
    assert_eq!(state().await, "IN_PROGRESS");
    shop.confirm(&json!({"paymentKey": key, "orderId": "order-0001", "amount": 5_000})).await;
    for (event, body, status) in [
        ("deposit", "", "DONE"),
        ("reverse-deposit", "", "WAITING_FOR_DEPOSIT"),
        ("deposit", "", "DONE"),
        ("console-cancel", r#"{"cancelReason":"관리자 취소"}"#, "CANCELED"),
    ] {
        let told = shop.control(Method::POST, &format!("payments/{key}/{event}"), body).await;
        assert_eq!(told.told(), said(200, status));
        assert_eq!(state().await, status);
    }
}

#[tokio::test]
async fn the_clock_moves_over_http() {
    let shop = Shop::open().await;
    let before = shop.toss.clock().now();
    let told = shop.control(Method::POST, "clock", r#"{"advance":"31d"}"#).await;
    assert!(told.json()["now"].as_str().unwrap().ends_with("+09:00"));
    assert!(shop.toss.clock().now() - before >= chrono::Duration::days(31));
    assert_eq!(shop.control(Method::GET, "clock", "").await.status, 200);
    for bad in [r#"{"advance":"-1d"}"#, r#"{"advance":"soon"}"#, "{}"] {
        assert_eq!(shop.control(Method::POST, "clock", bad).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn the_home_page_lists_the_calls() {
    let shop = Shop::open().await;
    let page = send(shop.bare(Method::GET, "/")).await.unwrap();
    assert_eq!(page.status, 200);
    assert!(page.text.contains("/sandbox/faults") && page.text.contains("/v1/payments/confirm"));
    assert_eq!(shop.control(Method::GET, "nothing", "").await.told(), said(404, "NOT_FOUND"));
}

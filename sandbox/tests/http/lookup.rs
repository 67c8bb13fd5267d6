//! Lookups by key and by order.

use serde_json::json;
use toss_sandbox::{Authenticate, Operation};

use crate::support::{Shop, path, said};

#[tokio::test]
async fn both_lookups_show_the_same() {
    let shop = Shop::open().await;
    let sold = shop.sell("order_A-1=", 1_000).await;
    let by_key = shop.get(&sold).await;
    assert_eq!(by_key.told(), said(200, "DONE"));
    assert_eq!(shop.get("/v1/payments/orders/order_A-1=").await.json(), by_key.json());
    assert_eq!(shop.get("/v1/payments/orders/order_A-1%3D").await.json(), by_key.json());
    assert_eq!(shop.get("/v1/payments/orders/order-none").await.told(), said(404, "NOT_FOUND_PAYMENT"));
}

#[tokio::test]
async fn an_order_shows_its_approved_payment_before_newer_ones() {
    let shop = Shop::open().await;
    let declined = shop.customer(Authenticate::new("order-0001", 1_000).card("4000000000000001"));
    shop.confirm(&declined).await;
    let waiting = shop.buyer("order-0001", 1_000);
    let by_order = async || shop.get("/v1/payments/orders/order-0001").await.json();
    assert_eq!(by_order().await["paymentKey"], waiting["paymentKey"]);
    let sold = shop.sell("order-0001", 1_000).await;
    let newest = shop.buyer("order-0001", 1_000);
    assert_eq!(by_order().await["status"], "DONE");
    shop.cancel(&sold, json!({})).await;
    assert_eq!(by_order().await["status"], "CANCELED");
    assert_eq!(shop.get(&path(&newest)).await.told(), said(200, "IN_PROGRESS"));
}

#[tokio::test]
async fn calls_are_logged_as_they_came() {
    let shop = Shop::open().await;
    let sold = shop.sell("order-0001", 1_000).await;
    shop.get(&format!("{sold}?x=1")).await;
    shop.get("/v1/nothing").await;
    let calls = shop.toss.received();
    assert_eq!(calls.len(), 3);
    assert_eq!((calls[0].operation, calls[0].status), (Operation::Confirm, Some(200)));
    assert!(calls[0].body.contains("\"orderId\":\"order-0001\""));
    assert_eq!((calls[1].operation, calls[1].method.as_str()), (Operation::Get, "GET"));
    assert!(calls[1].path.ends_with("?x=1"));
    assert_eq!((calls[2].operation, calls[2].status), (Operation::Any, Some(404)));
}

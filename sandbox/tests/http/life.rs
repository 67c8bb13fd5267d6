//! The life of a payment by the clock: windows that expire, confirms that come too late.

use std::sync::{Arc, atomic::AtomicI64};

use chrono::Duration;
use reqwest::Method;
use toss_sandbox::{Authenticate, Clock, Options, PayMethod, Status};

use crate::support::{Shop, path, said};

#[tokio::test]
async fn an_open_window_is_not_a_payment() {
    let shop = Shop::open().await;
    let body = shop.customer(Authenticate::new("order-0001", 1_000).only_opened());
    assert_eq!(shop.get(&path(&body)).await.told(), said(404, "NOT_FOUND_PAYMENT"));
    assert_eq!(shop.get("/v1/payments/orders/order-0001").await.told(), said(404, "NOT_FOUND_PAYMENT"));
    assert_eq!(shop.confirm(&body).await.told(), said(404, "NOT_FOUND_PAYMENT"));
    assert_eq!(shop.toss.payment("order-0001"), None);
    let key = body["paymentKey"].as_str().unwrap();
    assert_eq!(shop.toss.complete_authentication(key).unwrap().status, Status::InProgress);
    assert!(shop.toss.complete_authentication(key).is_err());
    assert_eq!(shop.confirm(&body).await.told(), said(200, "DONE"));
}

#[tokio::test]
async fn authentication_within_30_minutes_and_confirm_within_10() {
    let shop = Shop::open().await;
    let late = shop.customer(Authenticate::new("order-0001", 1_000).only_opened());
    let key = late["paymentKey"].as_str().unwrap().to_owned();
    shop.toss.clock().advance(Duration::minutes(30));
    let told = shop.control(Method::POST, &format!("payments/{key}/authenticate"), "").await;
    assert_eq!(told.status, 400);
    assert_eq!(shop.get(&path(&late)).await.told(), said(404, "NOT_FOUND_PAYMENT"));

    let body = shop.buyer("order-0002", 1_000);
    shop.toss.clock().advance(Duration::minutes(9));
    assert_eq!(shop.get(&path(&body)).await.told(), said(200, "IN_PROGRESS"));
    shop.toss.clock().advance(Duration::minutes(1));
    assert_eq!(shop.confirm(&body).await.told(), said(404, "NOT_FOUND_PAYMENT_SESSION"));
    let looked = shop.get(&path(&body)).await;
    assert_eq!(looked.told(), said(200, "EXPIRED"));
    assert!(looked.json()["failure"]["code"].is_string());
    assert_eq!(shop.toss.ledger().len(), 0);
}

#[tokio::test]
async fn a_clock_can_be_shared() {
    let offset = Arc::new(AtomicI64::new(0));
    let clock = Clock::with_offset(Arc::clone(&offset));
    let shop = Shop::open_with(Options { clock, ..Options::default() }).await;
    let body = shop.buyer("order-0001", 1_000);
    offset.store(Duration::days(40).num_microseconds().unwrap(), std::sync::atomic::Ordering::SeqCst);
    assert_eq!(shop.confirm(&body).await.told(), said(404, "NOT_FOUND_PAYMENT_SESSION"));
}

#[tokio::test]
async fn a_virtual_account_goes_forth_and_back() {
    let shop = Shop::open().await;
    let body = shop.customer(Authenticate::new("order-0001", 5_000).method(PayMethod::VirtualAccount));
    let issued = shop.confirm(&body).await;
    assert_eq!(issued.told(), said(200, "WAITING_FOR_DEPOSIT"));
    let payment = issued.json();
    assert!(payment["secret"].as_str().unwrap().starts_with("ps_"));
    assert!(payment["virtualAccount"]["accountNumber"].as_str().unwrap().starts_with('X'));
    assert_eq!(payment["virtualAccount"]["refundStatus"], "NONE");
    assert!(payment["approvedAt"].is_null() && payment["card"].is_null());
    let key = body["paymentKey"].as_str().unwrap();
    for (event, status) in
        [("deposit", "DONE"), ("reverse-deposit", "WAITING_FOR_DEPOSIT"), ("deposit", "DONE")]
    {
        let told = shop.control(Method::POST, &format!("payments/{key}/{event}"), "").await;
        assert_eq!(told.told(), said(200, status));
        assert_eq!(shop.get(&path(&body)).await.told(), said(200, status));
    }
    let ledger = shop.control(Method::GET, "ledger", "").await.json();
    assert_eq!(ledger["orders"]["order-0001"], 5_000);
}

#[tokio::test]
async fn a_stopped_sandbox_frees_its_port() {
    let shop = Shop::open().await;
    shop.sell("order-0001", 1_000).await;
    let (addr, request) = (shop.toss.addr(), shop.request(Method::GET, "/"));
    shop.toss.stop().await;
    assert!(request.send().await.is_err());
    let again = Shop::open_with(Options { bind: addr, ..Options::default() }).await;
    assert_eq!(again.toss.addr(), addr);
    assert_eq!(again.toss.ledger().len(), 0);
    drop(again);
    // A dropped sandbox stops by itself, a moment later.
    let stopped = async { while tokio::net::TcpStream::connect(addr).await.is_ok() {} };
    tokio::time::timeout(std::time::Duration::from_secs(60), stopped).await.unwrap();
}

//! The idempotency key: what it covers, what it repeats, and for how long.

use chrono::Duration;
use reqwest::Method;
use serde_json::json;
use toss_sandbox::{Fault, FaultKind, Operation};

use crate::support::{CONFIRM, Shop, path, said, send, until};

#[tokio::test]
async fn the_first_answer_is_repeated_byte_by_byte() {
    let shop = Shop::open().await;
    let body = shop.buyer("order-0001", 1_000);
    let first = send(shop.keyed(CONFIRM, "one", &body)).await.unwrap();
    assert_eq!(first.header("idempotency-key"), "one");
    shop.cancel(&path(&body), json!({})).await;
    let second = send(shop.keyed(CONFIRM, "one", &body)).await.unwrap();
    assert_eq!((second.status, &second.text), (200, &first.text));
    assert_eq!(second.header("idempotency-key"), "one");
    let traces: Vec<_> = second.header("x-tosspayments-trace-id").split(", ").collect();
    assert_eq!(traces.len(), 2);
    assert_eq!(traces[1], first.header("x-tosspayments-trace-id"));
    assert_ne!(traces[0], traces[1]);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_not_looked_at() {
    let shop = Shop::open().await;
    let (one, two) = (shop.buyer("order-0001", 1_000), shop.buyer("order-0002", 2_000));
    let first = send(shop.keyed(CONFIRM, "same", &one)).await.unwrap();
    let second = send(shop.keyed(CONFIRM, "same", &two)).await.unwrap();
    assert_eq!(second.text, first.text);
    assert_eq!(shop.toss.ledger().len(), 1);
    assert_eq!(shop.get(&path(&two)).await.told(), said(200, "IN_PROGRESS"));
}

#[tokio::test]
async fn a_refusal_is_kept_too() {
    let shop = Shop::open().await;
    let sold = shop.sell("order-0001", 1_000).await;
    let cancel = format!("{sold}/cancel");
    let too_much = json!({"cancelReason": "변심", "cancelAmount": 1_001});
    let refused = send(shop.keyed(&cancel, "one", &too_much)).await.unwrap();
    assert_eq!(refused.told(), said(403, "NOT_CANCELABLE_AMOUNT"));
    let valid = json!({"cancelReason": "변심", "cancelAmount": 1_000});
    let repeated = send(shop.keyed(&cancel, "one", &valid)).await.unwrap();
    assert_eq!((repeated.status, repeated.text), (403, refused.text));
    let malformed = send(shop.keyed(&cancel, "two", &json!({}))).await.unwrap();
    assert_eq!(malformed.told(), said(400, "INVALID_REQUEST"));
    let repeated = send(shop.keyed(&cancel, "two", &valid)).await.unwrap();
    assert_eq!(repeated.told(), said(400, "INVALID_REQUEST"));
    let fresh = send(shop.keyed(&cancel, "three", &valid)).await.unwrap();
    assert_eq!(fresh.told(), said(200, "CANCELED"));
}

#[tokio::test]
async fn a_server_error_is_not_kept() {
    let shop = Shop::open().await;
    let body = shop.buyer("order-0001", 1_000);
    shop.toss.inject(Fault::new(Operation::Confirm, FaultKind::ErrorBefore));
    let failed = send(shop.keyed(CONFIRM, "one", &body)).await.unwrap();
    assert_eq!(failed.told(), said(500, "FAILED_INTERNAL_SYSTEM_PROCESSING"));
    let again = send(shop.keyed(CONFIRM, "one", &body)).await.unwrap();
    assert_eq!(again.told(), said(200, "DONE"));
}

#[tokio::test]
async fn url_and_method_are_part_of_the_scope_and_get_ignores_the_key() {
    let shop = Shop::open().await;
    let (one, two) = (shop.sell("order-0001", 1_000).await, shop.sell("order-0002", 1_000).await);
    let cancel = json!({"cancelReason": "변심"});
    for path in [&one, &two] {
        let told = send(shop.keyed(&format!("{path}/cancel"), "same", &cancel)).await.unwrap();
        assert_eq!(told.told(), said(200, "CANCELED"));
    }
    let get = |path: &str| shop.request(Method::GET, path).header("Idempotency-Key", "same");
    let looked = [send(get(&one)).await.unwrap(), send(get(&one)).await.unwrap()];
    assert_eq!(looked[0].header("idempotency-key"), "");
    assert!(!looked[1].header("x-tosspayments-trace-id").contains(','));
}

#[tokio::test]
async fn while_the_first_call_runs_the_second_hears_409() {
    let shop = Shop::open().await;
    for (round, fault) in [
        Fault::new(Operation::Confirm, FaultKind::Delay).delay(std::time::Duration::from_secs(600)),
        Fault::new(Operation::Confirm, FaultKind::Delay).delay(std::time::Duration::from_secs(600)).before(),
    ]
    .into_iter()
    .enumerate()
    {
        shop.toss.inject(fault);
        let body = shop.buyer(&format!("order-{round:04}"), 1_000);
        let key = format!("key {round}");
        let running = tokio::spawn(send(shop.keyed(CONFIRM, &key, &body)));
        // The fault is taken by the call that runs; from then on the key is in use.
        until_taken(&shop).await;
        let second = send(shop.keyed(CONFIRM, &key, &body)).await.unwrap();
        assert_eq!(second.told(), said(409, "IDEMPOTENT_REQUEST_PROCESSING"));
        assert_eq!(second.header("idempotency-key"), key);
        shop.toss.clear_faults();
        let first = running.await.unwrap().unwrap();
        assert_eq!(first.told(), said(200, "DONE"));
        let third = send(shop.keyed(CONFIRM, &key, &body)).await.unwrap();
        assert_eq!(third.text, first.text);
        assert_eq!(shop.toss.ledger().len(), round + 1);
    }
}

/// Waits until no fault waits any more.
async fn until_taken(shop: &Shop) {
    loop {
        let waiting = shop.control(Method::GET, "faults", "").await.json();
        if waiting["faults"].as_array().unwrap().is_empty() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_stops_nothing() {
    let shop = Shop::open().await;
    let slow = Fault::new(Operation::Confirm, FaultKind::Delay).before();
    shop.toss.inject(slow.delay(std::time::Duration::from_secs(600)));
    let body = shop.buyer("order-0001", 1_000);
    let impatient = tokio::spawn(send(shop.keyed(CONFIRM, "one", &body)));
    until_taken(&shop).await;
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    assert_eq!(shop.toss.ledger().len(), 0);
    shop.toss.clear_faults();
    until(|| shop.toss.ledger().len() == 1).await;
    until(|| shop.toss.received()[0].status == Some(200)).await;
    let again = send(shop.keyed(CONFIRM, "one", &body)).await.unwrap();
    assert_eq!(again.told(), said(200, "DONE"));
    assert_eq!(shop.toss.ledger().len(), 1);
}

#[tokio::test]
async fn a_key_has_at_most_300_characters_and_lives_15_days() {
    let shop = Shop::open().await;
    let body = shop.buyer("order-0001", 1_000);
    let long = send(shop.keyed(CONFIRM, &"k".repeat(301), &body)).await.unwrap();
    assert_eq!(long.told(), said(400, "INVALID_IDEMPOTENCY_KEY"));
    let key = "k".repeat(300);
    let first = send(shop.keyed(CONFIRM, &key, &body)).await.unwrap();
    shop.toss.clock().advance(Duration::days(14));
    let second = send(shop.keyed(CONFIRM, &key, &body)).await.unwrap();
    assert_eq!(second.text, first.text);
    shop.toss.clock().advance(Duration::days(1));
    let third = send(shop.keyed(CONFIRM, &key, &body)).await.unwrap();
    assert_eq!(third.told(), said(400, "ALREADY_PROCESSED_PAYMENT"));
}

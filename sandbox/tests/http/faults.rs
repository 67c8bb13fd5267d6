//! Faults: what the shop sees, and what happened all the same.

use reqwest::Method;
use serde_json::json;
use toss_sandbox::{Fault, FaultKind, Operation};

use crate::support::{CONFIRM, Shop, path, said, send};

#[tokio::test]
async fn dropped_before_the_effect() {
    let shop = Shop::open().await;
    let body = shop.buyer("order-0001", 1_000);
    shop.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropBefore));
    let error = send(shop.keyed(CONFIRM, "one", &body)).await.unwrap_err();
    assert!(error.is_request() && !error.is_timeout(), "{error:?}");
    assert_eq!(shop.toss.ledger().len(), 0);
    assert_eq!(shop.get(&path(&body)).await.told(), said(200, "IN_PROGRESS"));
    let again = send(shop.keyed(CONFIRM, "one", &body)).await.unwrap();
    assert_eq!(again.told(), said(200, "DONE"));
    assert!(!again.header("x-tosspayments-trace-id").contains(','));
}

#[tokio::test]
async fn dropped_after_the_effect() {
    let shop = Shop::open().await;
    let body = shop.buyer("order-0001", 1_000);
    shop.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    let error = send(shop.keyed(CONFIRM, "one", &body)).await.unwrap_err();
    assert!(error.is_request() && !error.is_timeout(), "{error:?}");
    assert_eq!(shop.toss.ledger().len(), 1);
    assert_eq!(shop.toss.received()[0].status, None);
    assert_eq!(shop.get(&path(&body)).await.told(), said(200, "DONE"));
    let again = send(shop.keyed(CONFIRM, "one", &body)).await.unwrap();
    assert_eq!(again.told(), said(200, "DONE"));
    assert!(again.header("x-tosspayments-trace-id").contains(", "));
    assert_eq!(shop.toss.ledger().len(), 1);
}

#[tokio::test]
async fn a_connection_in_use_is_dropped_too() {
    let shop = Shop::open().await;
    // The first call opens a connection that the client keeps; the second one goes over it.
    let sold = shop.sell("order-0001", 1_000).await;
    shop.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropAfter));
    let cancel = shop.keyed(&format!("{sold}/cancel"), "one", &json!({"cancelReason": "변심"}));
    assert!(send(cancel).await.is_err());
    assert_eq!(shop.toss.ledger().len(), 2);
    let cancels = shop.toss.received().iter().filter(|call| call.operation == Operation::Cancel).count();
    assert_eq!(cancels, 1);
}

#[tokio::test]
async fn errors_with_and_without_effect() {
    let shop = Shop::open().await;
    let sold = shop.sell("order-0001", 1_000).await;
    shop.toss.inject(Fault::new(Operation::Cancel, FaultKind::ErrorBefore));
    let told = shop.cancel(&sold, json!({})).await.told();
    assert_eq!(told, said(500, "FAILED_INTERNAL_SYSTEM_PROCESSING"));
    assert_eq!(shop.toss.ledger().len(), 1);
    shop.toss.inject(Fault::new(Operation::Cancel, FaultKind::ErrorAfter).code("FAILED_REFUND_PROCESS"));
    let told = shop.cancel(&sold, json!({"cancelAmount": 400})).await.told();
    assert_eq!(told, said(500, "FAILED_REFUND_PROCESS"));
    assert_eq!(shop.toss.ledger().len(), 2);
    shop.toss.inject(Fault::new(Operation::Get, FaultKind::ErrorBefore).code("SOMETHING_NEW").status(503));
    assert_eq!(shop.get(&sold).await.told(), said(503, "SOMETHING_NEW"));
    assert_eq!(shop.get(&sold).await.told(), said(200, "PARTIAL_CANCELED"));
}

#[tokio::test]
async fn an_error_after_the_effect_is_not_kept() {
    let shop = Shop::open().await;
    let body = shop.buyer("order-0001", 1_000);
    shop.toss.inject(Fault::new(Operation::Confirm, FaultKind::ErrorAfter));
    assert_eq!(send(shop.keyed(CONFIRM, "one", &body)).await.unwrap().status, 500);
    let again = send(shop.keyed(CONFIRM, "one", &body)).await.unwrap();
    assert_eq!(again.told(), said(400, "ALREADY_PROCESSED_PAYMENT"));
    assert_eq!(shop.toss.ledger().len(), 1);
}

#[tokio::test]
async fn answers_that_are_no_json() {
    let shop = Shop::open().await;
    for (round, fault) in [
        Fault::new(Operation::Confirm, FaultKind::Html),
        Fault::new(Operation::Confirm, FaultKind::Html).status(200),
        Fault::new(Operation::Confirm, FaultKind::TruncatedJson),
    ]
    .into_iter()
    .enumerate()
    {
        let status = if round == 0 { 502 } else { 200 };
        let body = shop.buyer(&format!("order-{round:04}"), 1_000);
        let key = format!("key {round}");
        shop.toss.inject(fault);
        let told = send(shop.keyed(CONFIRM, &key, &body)).await.unwrap();
        assert_eq!(told.status, status);
        assert!(serde_json::from_str::<serde_json::Value>(&told.text).is_err(), "{}", told.text);
        assert_eq!(shop.toss.ledger().len(), round + 1);
        assert_eq!(send(shop.keyed(CONFIRM, &key, &body)).await.unwrap().told(), said(200, "DONE"));
        assert_eq!(shop.toss.ledger().len(), round + 1);
    }
}

#[tokio::test]
async fn too_many_requests() {
    let shop = Shop::open().await;
    let body = shop.buyer("order-0001", 1_000);
    shop.toss.inject(Fault::new(Operation::Any, FaultKind::RateLimited).times(2));
    for _ in 0..2 {
        let told = send(shop.keyed(CONFIRM, "one", &body)).await.unwrap();
        assert_eq!((told.status, told.text.as_str()), (429, "Too Many Requests"));
    }
    assert_eq!(send(shop.keyed(CONFIRM, "one", &body)).await.unwrap().told(), said(200, "DONE"));
}

#[tokio::test]
async fn an_injected_decline_aborts_the_payment() {
    let shop = Shop::open().await;
    let (one, two) = (shop.buyer("order-0001", 1_000), shop.buyer("order-0002", 1_000));
    let reject = Fault::new(Operation::Confirm, FaultKind::Reject).code("REJECT_CARD_COMPANY");
    shop.toss.inject(reject.for_order("order-0002"));
    assert_eq!(shop.confirm(&one).await.told(), said(200, "DONE"));
    let told = send(shop.keyed(CONFIRM, "two", &two)).await.unwrap();
    assert_eq!(told.told(), said(403, "REJECT_CARD_COMPANY"));
    let looked = shop.get(&path(&two)).await.json();
    assert_eq!(
        (&looked["status"], &looked["failure"]["code"]),
        (&json!("ABORTED"), &json!("REJECT_CARD_COMPANY"))
    );
    // A decline is an answer like any other: the key repeats it.
    let again = send(shop.keyed(CONFIRM, "two", &two)).await.unwrap();
    assert_eq!(again.text, told.text);
    shop.toss.inject(Fault::new(Operation::Cancel, FaultKind::Reject).code("REFUND_REJECTED"));
    assert_eq!(shop.cancel(&path(&one), json!({})).await.told(), said(400, "REFUND_REJECTED"));
    assert_eq!(shop.toss.ledger().len(), 1);
}

#[tokio::test]
async fn faults_can_be_given_listed_and_cleared_over_http() {
    let shop = Shop::open().await;
    let body = shop.buyer("order-0001", 1_000);
    let fault = r#"{"operation":"get","fault":"error_before","times":3,"status":500,"orderId":"order-0001"}"#;
    assert_eq!(shop.control(Method::POST, "faults", fault).await.status, 200);
    assert_eq!(shop.get("/v1/payments/none").await.status, 404);
    assert_eq!(shop.get(&path(&body)).await.status, 500);
    assert_eq!(shop.get("/v1/payments/orders/order-0001").await.status, 500);
    let waiting = shop.control(Method::GET, "faults", "").await.json();
    assert_eq!(waiting["faults"][0]["times"], 1);
    assert_eq!(shop.control(Method::DELETE, "faults", "").await.json(), json!({"cleared": 1}));
    assert_eq!(shop.get(&path(&body)).await.status, 200);
    for bad in [
        r#"{"operation":"get"}"#,
        r#"{"operation":"get","fault":"explode"}"#,
        r#"{"operation":"get","fault":"html","times":0}"#,
        r#"{"operation":"get","fault":"error_before","status":200}"#,
        r#"{"operation":"get","fault":"html","typo":1}"#,
    ] {
        assert_eq!(
            shop.control(Method::POST, "faults", bad).await.told(),
            said(400, "INVALID_REQUEST"),
            "{bad}"
        );
    }
}

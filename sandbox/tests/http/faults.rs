//! Faults: what the shop sees, and what happened all the same.

use reqwest::Method;
use serde_json::json;
use toss_sandbox::{Chaos, Fault, FaultKind, Operation};

use crate::support::{CONFIRM, Shop, path, said, send};

const DAYS: &str = "/v1/transactions?startDate=2000-01-01&endDate=2100-01-01";

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
        assert_eq!(told.header("retry-after"), "1");
    }
    let told = send(shop.keyed(CONFIRM, "one", &body)).await.unwrap();
    assert_eq!((told.told(), told.header("retry-after")), (said(200, "DONE"), ""));
    shop.toss.inject(Fault::new(Operation::Transactions, FaultKind::RateLimited).retry_after(30));
    let told = shop.get(DAYS).await;
    assert_eq!((told.status, told.header("retry-after")), (429, "30"));
    assert_eq!(shop.get(DAYS).await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_call_in_flight_is_not_kept_under_its_key() {
    let shop = Shop::open().await;
    let in_flight = said(409, "IDEMPOTENT_REQUEST_PROCESSING");
    for (round, fault) in [
        Fault::new(Operation::Confirm, FaultKind::InFlight),
        Fault::new(Operation::Confirm, FaultKind::ErrorBefore).code("IDEMPOTENT_REQUEST_PROCESSING"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = shop.buyer(&format!("order-{round:04}"), 1_000);
        let confirm = async || send(shop.keyed(CONFIRM, &round.to_string(), &body)).await.unwrap();
        shop.toss.inject(fault.clone());
        assert_eq!(confirm().await.told(), in_flight);
        assert_eq!(shop.toss.ledger().len(), round);
        let first = confirm().await;
        assert_eq!(first.told(), said(200, "DONE"));
        // Nor does it take the place of an answer that is kept.
        shop.toss.inject(fault);
        assert_eq!(confirm().await.told(), in_flight);
        assert_eq!(confirm().await.text, first.text);
    }
    shop.toss.inject(Fault::new(Operation::Transactions, FaultKind::InFlight));
    assert_eq!(shop.get(DAYS).await.told(), in_flight);
}

#[tokio::test]
async fn transactions_suffer_like_any_other_call() {
    let shop = Shop::open().await;
    shop.sell("order-0001", 1_000).await;
    let inject = |kind| shop.toss.inject(Fault::new(Operation::Transactions, kind));
    inject(FaultKind::ErrorBefore);
    assert_eq!(shop.get(DAYS).await.told(), said(500, "FAILED_INTERNAL_SYSTEM_PROCESSING"));
    inject(FaultKind::Html);
    assert_eq!(shop.get(DAYS).await.status, 502);
    inject(FaultKind::TruncatedJson);
    assert!(serde_json::from_str::<serde_json::Value>(&shop.get(DAYS).await.text).is_err());
    inject(FaultKind::DropAfter);
    assert!(send(shop.request(Method::GET, DAYS)).await.is_err());
    assert_eq!(shop.get(DAYS).await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_share_of_calls_suffers_by_chance_until_it_is_cleared() {
    let shop = Shop::open().await;
    let chaos = json!({
        "seed": 42,
        "perMille": 500,
        "kinds": ["error_before", "drop_after", "rate_limited", "in_flight"],
        "operations": ["confirm"],
    });
    let told = shop.control(Method::POST, "faults/random", &chaos.to_string()).await;
    assert_eq!((told.status, &told.json()["seed"]), (200, &json!(42)));
    let mut spoiled = 0;
    for n in 0..60 {
        let body = shop.buyer(&format!("order-{n:04}"), 1_000);
        let told = send(shop.keyed(CONFIRM, &n.to_string(), &body)).await;
        spoiled += u64::from(!told.is_ok_and(|told| told.status == 200));
        assert_eq!(shop.get(&path(&body)).await.status, 200);
    }
    let faults = shop.control(Method::GET, "faults", "").await.json();
    assert_eq!(faults["random"]["perMille"], 500);
    let struck = faults["struck"].as_object().unwrap();
    assert_eq!(struck.len(), 4, "{struck:?}");
    assert_eq!(struck.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), spoiled);
    shop.control(Method::DELETE, "faults", "").await;
    for n in 60..80 {
        shop.sell(&format!("order-{n:04}"), 1_000).await;
    }
    let faults = shop.control(Method::GET, "faults", "").await.json();
    assert_eq!((&faults["random"], faults["struck"].as_object()), (&json!(null), Some(struck)));
    assert_eq!(shop.toss.faults_struck().values().sum::<u64>(), spoiled);
    for bad in [
        r#"{"seed":1,"perMille":1001,"kinds":["html"]}"#,
        r#"{"seed":1,"perMille":10,"kinds":[]}"#,
        r#"{"seed":1,"perMille":10,"kinds":["explode"]}"#,
        r#"{"seed":1,"perMille":10,"kinds":["delay"],"maxDelayMs":600001}"#,
    ] {
        let told = shop.control(Method::POST, "faults/random", bad).await.told();
        assert_eq!(told, said(400, "INVALID_REQUEST"), "{bad}");
    }
}

#[tokio::test]
async fn the_same_seed_spoils_the_same_calls() {
    let run = async || {
        let shop = Shop::open().await;
        let kinds = [FaultKind::ErrorBefore, FaultKind::ErrorAfter, FaultKind::Html, FaultKind::Reject];
        shop.toss.chaos(Chaos::new(3, 400, kinds));
        let mut statuses = Vec::new();
        for n in 0..30 {
            statuses.push(shop.confirm(&shop.buyer(&format!("order-{n:04}"), 1_000)).await.status);
        }
        (statuses, shop.toss.ledger().len(), shop.toss.faults_struck())
    };
    let first = run().await;
    assert!(first.0.iter().any(|status| *status != 200) && first.0.contains(&200));
    assert_eq!(first, run().await);
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

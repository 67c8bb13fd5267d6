//! Webhooks: which changes are told, in what form, and how Toss insists.

use chrono::Duration;
use reqwest::Method;
use serde_json::json;
use toss_sandbox::{Authenticate, Options, Sandbox, WebhookState};

use crate::{
    receiver::{Receiver, idle, open, open_with, time},
    support::{Shop, path, said, until},
};

#[tokio::test]
async fn an_approval_is_told_with_the_whole_payment() {
    let (shop, receiver) = open().await;
    let body = shop.buyer("order-0001", 9_900);
    let payment = shop.confirm(&body).await.json();
    idle(&shop.toss).await;
    let came = receiver.came();
    assert_eq!(came.len(), 1);
    let told = came[0].json();
    assert_eq!(told["eventType"], "PAYMENT_STATUS_CHANGED");
    assert_eq!(told["data"], payment);
    let created = told["createdAt"].as_str().unwrap();
    assert!(!created.contains('+') && !created.contains('Z') && created.contains('.'), "{created}");
    assert!(time(&told["createdAt"]) - time(&payment["approvedAt"]) <= 1);
    assert!(came[0].header("transmission-id").starts_with("whtrans_"));
    assert!(came[0].header("transmission-time").ends_with("+09:00"));
    assert_eq!(came[0].header("transmission-retried-count"), "0");
    assert_eq!(came[0].headers["content-type"], "application/json");
    assert!(!came[0].headers.contains_key("tosspayments-webhook-signature"));
}

#[tokio::test]
async fn each_change_of_a_card_payment_is_told() {
    let (shop, receiver) = open().await;
    let sold = shop.sell("order-0001", 1_000).await;
    for _ in 0..2 {
        shop.cancel(&sold, json!({"cancelAmount": 300})).await;
    }
    let whole = shop.sell("order-0002", 1_000).await;
    shop.toss.console_cancel(whole.rsplit('/').next().unwrap(), None, "관리자 취소").unwrap();
    let declined = shop.customer(Authenticate::new("order-0003", 1_000).card("4000000000000001"));
    assert_eq!(shop.confirm(&declined).await.status, 403);
    // A refused call changes nothing, and a window that nobody authenticated is not a payment.
    assert_eq!(shop.confirm(&declined).await.status, 400);
    shop.buyer("order-0004", 1_000);
    shop.customer(Authenticate::new("order-0005", 1_000).only_opened());
    idle(&shop.toss).await;
    let told = |order: &str| {
        let came = receiver.came().into_iter();
        came.filter(|came| came.json()["data"]["orderId"] == order)
            .map(|came| came.told())
            .collect::<Vec<_>>()
    };
    assert_eq!(told("order-0001"), ["payment DONE", "payment PARTIAL_CANCELED", "payment PARTIAL_CANCELED"]);
    assert_eq!(told("order-0002"), ["payment DONE", "payment CANCELED"]);
    assert_eq!(told("order-0003"), ["payment ABORTED"]);
    assert!(told("order-0004").is_empty());
    shop.toss.clock().advance(Duration::minutes(10));
    idle(&shop.toss).await;
    assert_eq!(told("order-0004"), ["payment EXPIRED"]);
    shop.toss.clock().advance(Duration::minutes(20));
    idle(&shop.toss).await;
    assert!(told("order-0005").is_empty());
    assert_eq!(shop.toss.webhook_counts().delivered, 7);
}

#[tokio::test]
async fn what_expires_is_told_without_anyone_asking() {
    let (shop, receiver) = open().await;
    shop.buyer("order-0001", 1_000);
    shop.toss.clock().advance(Duration::minutes(10));
    until(|| receiver.told() == ["payment EXPIRED"]).await;
}

#[tokio::test]
async fn a_virtual_account_tells_everything_twice_but_its_issue() {
    let (shop, receiver) = open().await;
    let payment = shop.issue("order-0001", 5_000).await;
    let key = payment["paymentKey"].as_str().unwrap();
    shop.toss.deposit(key).unwrap();
    shop.toss.reverse_deposit(key).unwrap();
    shop.toss.console_cancel(key, None, "관리자 취소").unwrap();
    idle(&shop.toss).await;
    assert_eq!(
        receiver.told(),
        [
            "payment WAITING_FOR_DEPOSIT",
            "payment DONE",
            "deposit DONE",
            "payment WAITING_FOR_DEPOSIT",
            "deposit WAITING_FOR_DEPOSIT",
            "payment CANCELED",
            "deposit CANCELED",
        ]
    );
    let came = receiver.came();
    let (status, deposit) = (came[1].json(), came[2].json());
    assert_eq!(deposit["secret"], payment["secret"]);
    assert_eq!(deposit["orderId"], "order-0001");
    assert_eq!(deposit["transactionKey"], status["data"]["lastTransactionKey"]);
    assert!(deposit["createdAt"].as_str().unwrap().ends_with("+09:00"));
    let mut fields: Vec<_> = deposit.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["createdAt", "orderId", "secret", "status", "transactionKey"]);
    assert_ne!(came[1].header("transmission-id"), came[2].header("transmission-id"));
}

#[tokio::test]
async fn subscriptions_can_be_switched_off() {
    let (shop, receiver) = open().await;
    let pay = async |order: &str| {
        let payment = shop.issue(order, 5_000).await;
        shop.toss.deposit(payment["paymentKey"].as_str().unwrap()).unwrap();
    };
    shop.toss.payment_status_changed(false);
    pay("order-0001").await;
    idle(&shop.toss).await;
    assert_eq!(receiver.told(), ["deposit DONE"]);
    let settings = r#"{"paymentStatusChanged":true,"depositCallback":false}"#;
    assert_eq!(shop.control(Method::POST, "webhooks", settings).await.json()["depositCallback"], false);
    pay("order-0002").await;
    idle(&shop.toss).await;
    assert_eq!(receiver.told()[1..], ["payment WAITING_FOR_DEPOSIT", "payment DONE"]);
}

#[tokio::test]
async fn a_url_can_be_given_and_taken_while_it_runs() {
    let shop = Shop::open().await;
    let receiver = Receiver::start().await;
    shop.sell("order-0001", 1_000).await;
    shop.toss.set_webhook_url(Some(receiver.url.clone())).unwrap();
    shop.sell("order-0002", 1_000).await;
    idle(&shop.toss).await;
    shop.toss.set_webhook_url(None).unwrap();
    shop.sell("order-0003", 1_000).await;
    idle(&shop.toss).await;
    let orders: Vec<_> = receiver.came().iter().map(|came| came.json()["data"]["orderId"].clone()).collect();
    assert_eq!(orders, ["order-0002"]);
    assert_eq!(shop.toss.webhooks().len(), 1);
    for bad in ["", "nowhere", "ftp://127.0.0.1/", "http://"] {
        assert_eq!(
            shop.toss.set_webhook_url(Some(bad.into())).unwrap_err().code(),
            "INVALID_REQUEST",
            "{bad}"
        );
        let options = Options { webhook_url: Some(bad.into()), ..Options::default() };
        assert_eq!(Sandbox::start(options).await.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn anything_but_200_is_sent_again_by_the_clock() {
    let (shop, receiver) = open().await;
    receiver.answers(201);
    shop.sell("order-0001", 1_000).await;
    idle(&shop.toss).await;
    let log = shop.toss.webhooks();
    assert_eq!((log[0].state, log[0].attempts, log[0].last_status), (WebhookState::Waiting, 1, Some(201)));
    shop.toss.clock().advance(Duration::seconds(50));
    idle(&shop.toss).await;
    assert_eq!(receiver.came().len(), 1);
    receiver.answers(500);
    shop.toss.clock().advance(Duration::seconds(10));
    idle(&shop.toss).await;
    assert_eq!(receiver.came().len(), 2);
    receiver.answers(200);
    shop.toss.clock().advance(Duration::minutes(4));
    idle(&shop.toss).await;
    let came = receiver.came();
    assert_eq!(came.len(), 3);
    assert_eq!(came[0].text, came[2].text);
    assert_eq!(came[0].header("transmission-id"), came[2].header("transmission-id"));
    let counts: Vec<_> = came.iter().map(|came| came.header("transmission-retried-count")).collect();
    assert_eq!(counts, ["0", "1", "2"]);
    assert_ne!(came[0].header("transmission-time"), came[2].header("transmission-time"));
    assert_eq!(shop.toss.webhooks()[0].state, WebhookState::Delivered);
}

#[tokio::test]
async fn after_seven_retries_it_is_given_up() {
    let shop = Shop::open().await;
    // Bound and not listening: the port is taken, and whoever calls there is refused.
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/", nobody.local_addr().unwrap());
    shop.toss.set_webhook_url(Some(url)).unwrap();
    shop.sell("order-0001", 1_000).await;
    for minutes in [1, 4, 16, 64, 256, 1_024, 4_096] {
        idle(&shop.toss).await;
        assert_eq!(shop.toss.webhook_counts().later, 1);
        shop.toss.clock().advance(Duration::minutes(minutes));
    }
    idle(&shop.toss).await;
    let log = shop.toss.webhooks();
    assert_eq!((log[0].state, log[0].attempts, log[0].last_status), (WebhookState::Failed, 8, None));
    assert!(log[0].last_error.is_some());
    // A person may have it sent again.
    let receiver = Receiver::start().await;
    shop.toss.set_webhook_url(Some(receiver.url.clone())).unwrap();
    assert_eq!(shop.toss.resend_webhooks(None), 1);
    idle(&shop.toss).await;
    assert_eq!(receiver.came()[0].header("transmission-retried-count"), "8");
    assert_eq!(shop.toss.webhook_counts().delivered, 1);
}

#[tokio::test]
async fn a_shop_that_does_not_answer_in_time_is_told_again_and_holds_up_no_call() {
    let options = Options { webhook_timeout: std::time::Duration::from_millis(100), ..Options::default() };
    let (shop, receiver) = open_with(options).await;
    receiver.open(false);
    let sold = shop.sell("order-0001", 1_000).await;
    assert_eq!(shop.get(&sold).await.told(), said(200, "DONE"));
    idle(&shop.toss).await;
    let log = shop.toss.webhooks();
    assert_eq!((log[0].state, log[0].attempts, log[0].last_status), (WebhookState::Waiting, 1, None));
    assert!(log[0].last_error.as_ref().unwrap().contains("timed out"), "{log:?}");
    receiver.open(true);
    // A slow machine may need more than one of the retries.
    while shop.toss.webhooks()[0].state == WebhookState::Waiting {
        shop.toss.clock().advance(Duration::days(3));
        idle(&shop.toss).await;
    }
    assert_eq!(shop.toss.webhooks()[0].state, WebhookState::Delivered);
}

#[tokio::test]
async fn any_body_can_be_sent() {
    let (shop, receiver) = open().await;
    let envelope = json!({
        "eventType": "seller.changed",
        "createdAt": "2026-11-01T00:00:00+09:00",
        "version": "2022-11-16",
        "eventId": "event-1",
        "entityType": "seller",
        "entityBody": {"id": "seller-1", "status": "APPROVED"},
    });
    let id = shop.toss.send_webhook(envelope.clone(), None).unwrap();
    assert!(id.starts_with("whtrans_"));
    let asked = json!({"body": ["no", "envelope"], "transmissionId": "whtrans_mine"}).to_string();
    let told = shop.control(Method::POST, "webhooks/send", &asked).await;
    assert_eq!(told.json(), json!({"transmissionId": "whtrans_mine"}));
    idle(&shop.toss).await;
    let came = receiver.came();
    let find = |id: &str| came.iter().find(|came| came.header("transmission-id") == id).unwrap().json();
    assert_eq!(find(&id), envelope);
    assert_eq!(find("whtrans_mine"), json!(["no", "envelope"]));
    assert!(shop.toss.send_webhook(json!({}), Some("with\nbreak".into())).is_err());
    shop.toss.set_webhook_url(None).unwrap();
    assert!(shop.toss.send_webhook(json!({}), None).is_err());
}

#[tokio::test]
async fn unknown_fields_reach_webhooks_too() {
    let (shop, receiver) = open().await;
    shop.toss.unknown_fields(true);
    let body = shop.buyer("order-0001", 1_000);
    shop.confirm(&body).await;
    idle(&shop.toss).await;
    let told = receiver.came()[0].json();
    assert!(told["sandboxUnknown"].is_object());
    assert_eq!(told["data"]["card"]["acquireStatus"], "SANDBOX_UNKNOWN");
    assert_eq!(told["data"]["paymentKey"], path(&body).rsplit('/').next().unwrap());
}

#[tokio::test]
async fn webhooks_are_worked_over_http() {
    let shop = Shop::open().await;
    let receiver = Receiver::start().await;
    let settings = json!({"url": receiver.url}).to_string();
    let told = shop.control(Method::POST, "webhooks", &settings).await.json();
    let on = json!({"url": receiver.url, "paymentStatusChanged": true, "depositCallback": true});
    assert_eq!(told, on);
    receiver.answers(503);
    shop.sell("order-0001", 1_000).await;
    let settled = async || {
        loop {
            let counts = shop.control(Method::GET, "webhooks/counts", "").await.json();
            if counts["due"] == 0 {
                return counts;
            }
        }
    };
    assert_eq!(settled().await["later"], 1);
    receiver.answers(200);
    assert_eq!(shop.control(Method::POST, "webhooks/resend", "").await.json(), json!({"resent": 1}));
    assert_eq!(settled().await["delivered"], 1);
    let log = shop.control(Method::GET, "webhooks", "").await.json();
    assert_eq!(log["counts"]["delivered"], 1);
    let entry = &log["webhooks"][0];
    assert_eq!((&entry["state"], &entry["attempts"]), (&json!("DELIVERED"), &json!(2)));
    assert_eq!((&entry["lastStatus"], &entry["orderId"]), (&json!(200), &json!("order-0001")));
    assert_eq!(entry["body"], receiver.came()[0].json());
    let id = json!({"transmissionId": entry["transmissionId"]}).to_string();
    assert_eq!(shop.control(Method::POST, "webhooks/resend", &id).await.json(), json!({"resent": 1}));
    settled().await;
    assert_eq!(receiver.came().len(), 3);
    let off = shop.control(Method::POST, "webhooks", r#"{"url":null}"#).await.json();
    assert_eq!(off["url"], json!(null));
    for (call, bad) in [
        ("webhooks", r#"{"url":"nowhere"}"#),
        ("webhooks", r#"{"typo":1}"#),
        ("webhooks/send", r#"{"body":{}}"#),
        ("webhooks/send", "{}"),
        ("webhooks/faults", r#"{"fault":"explode"}"#),
        ("webhooks/faults", r#"{"fault":"duplicate","copies":1}"#),
        ("webhooks/faults", r#"{"fault":"drop","times":0}"#),
        ("webhooks/faults/random", r#"{"seed":1,"perMille":1001,"kinds":["drop"]}"#),
        ("webhooks/faults/random", r#"{"seed":1,"perMille":10,"kinds":[]}"#),
    ] {
        let told = shop.control(Method::POST, call, bad).await.told();
        assert_eq!(told, said(400, "INVALID_REQUEST"), "{call} {bad}");
    }
}

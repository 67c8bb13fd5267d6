//! Faults of webhooks: twice, late, in the wrong order, or not at all.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use toss_sandbox::{Fault, FaultKind, Operation, WebhookChaos, WebhookFault, WebhookFaultKind, WebhookState};

use crate::{
    receiver::{idle, open},
    support::{CONFIRM, Shop, said, send, until},
};

/// A virtual account that was issued; the answer is its payment key.
async fn issue(shop: &Shop, order: &str) -> String {
    shop.issue(order, 5_000).await["paymentKey"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_duplicate_has_the_same_id_or_a_new_one() {
    let (shop, receiver) = open().await;
    shop.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::Duplicate).copies(3));
    shop.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::DuplicateNewId).for_order("order-0002"));
    shop.sell("order-0001", 1_000).await;
    shop.sell("order-0002", 1_000).await;
    idle(&shop.toss).await;
    let ids = |order: &str| {
        let came: Vec<_> =
            receiver.came().into_iter().filter(|came| came.json()["data"]["orderId"] == order).collect();
        assert!(came.iter().all(|other| other.text == came[0].text));
        let mut ids: Vec<_> = came.iter().map(|came| came.header("transmission-id").to_owned()).collect();
        let sent = ids.len();
        ids.sort();
        ids.dedup();
        (sent, ids.len())
    };
    assert_eq!((ids("order-0001"), ids("order-0002")), ((3, 1), (2, 2)));
    assert_eq!(shop.toss.webhook_counts().delivered, 5);
}

#[tokio::test]
async fn duplicates_come_at_the_same_time() {
    let (shop, receiver) = open().await;
    receiver.open(false);
    shop.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::Duplicate));
    shop.sell("order-0001", 1_000).await;
    // Both are there before either was answered.
    until(|| receiver.came().len() == 2).await;
    receiver.open(true);
    idle(&shop.toss).await;
}

#[tokio::test]
async fn without_a_fault_one_order_is_told_in_order() {
    let (shop, receiver) = open().await;
    receiver.open(false);
    let key = issue(&shop, "order-0001").await;
    until(|| receiver.came().len() == 1).await;
    shop.toss.deposit(&key).unwrap();
    shop.sell("order-0002", 1_000).await;
    until(|| receiver.came().len() == 2).await;
    assert_eq!(shop.toss.webhook_counts().due, 4);
    receiver.open(true);
    idle(&shop.toss).await;
    let told = receiver.told();
    let account: Vec<_> = told.iter().enumerate().filter(|(at, _)| *at != 1).map(|(_, told)| told).collect();
    assert_eq!(account, ["payment WAITING_FOR_DEPOSIT", "payment DONE", "deposit DONE"]);
}

#[tokio::test]
async fn a_reordered_webhook_is_overtaken_by_a_later_one() {
    let (shop, receiver) = open().await;
    shop.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::Reorder));
    let key = issue(&shop, "order-0001").await;
    // Another order overtakes nothing.
    shop.sell("order-0002", 1_000).await;
    idle(&shop.toss).await;
    assert_eq!((receiver.told().len(), shop.toss.webhook_counts().held_back), (1, 1));
    shop.toss.payment_status_changed(false);
    shop.toss.deposit(&key).unwrap();
    idle(&shop.toss).await;
    assert_eq!(receiver.told()[1..], ["deposit DONE", "payment WAITING_FOR_DEPOSIT"]);
}

#[tokio::test]
async fn what_is_held_is_let_go_when_the_faults_are_cleared() {
    let (shop, receiver) = open().await;
    shop.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::Hold));
    shop.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::Reorder));
    shop.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::Delay).delay(Duration::from_secs(3_600)));
    for n in 1..=3 {
        shop.sell(&format!("order-{n:04}"), 1_000).await;
    }
    idle(&shop.toss).await;
    assert!(receiver.came().is_empty());
    let counts = shop.toss.webhook_counts();
    assert_eq!((counts.held_back, counts.later), (2, 1));
    shop.toss.clear_webhook_faults();
    idle(&shop.toss).await;
    assert_eq!(receiver.came().len(), 3);
}

#[tokio::test]
async fn a_delay_goes_by_the_clock() {
    let (shop, receiver) = open().await;
    shop.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::Delay).delay(Duration::from_secs(3_600)));
    let sold = shop.sell("order-0001", 1_000).await;
    shop.cancel(&sold, json!({})).await;
    idle(&shop.toss).await;
    assert_eq!(receiver.told(), ["payment CANCELED"]);
    shop.toss.clock().advance(chrono::Duration::hours(1));
    idle(&shop.toss).await;
    assert_eq!(receiver.told(), ["payment CANCELED", "payment DONE"]);
}

#[tokio::test]
async fn a_dropped_webhook_is_never_sent() {
    let (shop, receiver) = open().await;
    shop.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::Drop));
    shop.sell("order-0001", 1_000).await;
    shop.toss.clock().advance(chrono::Duration::days(10));
    idle(&shop.toss).await;
    assert!(receiver.came().is_empty());
    let log = shop.toss.webhooks();
    assert_eq!((log[0].state, log[0].attempts), (WebhookState::Dropped, 0));
    assert_eq!(shop.toss.resend_webhooks(None), 0);
}

#[tokio::test]
async fn a_webhook_can_come_before_the_answer() {
    let (shop, receiver) = open().await;
    receiver.open(false);
    shop.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::BeforeAnswer));
    let body = shop.buyer("order-0001", 1_000);
    let confirm = tokio::spawn(send(shop.keyed(CONFIRM, "one", &body)));
    until(|| receiver.came().len() == 1).await;
    // It happened, and the shop does not know it from Toss's answer.
    assert_eq!(shop.toss.ledger().len(), 1);
    assert_eq!(shop.toss.received()[0].status, None);
    receiver.open(true);
    assert_eq!(confirm.await.unwrap().unwrap().told(), said(200, "DONE"));
    assert_eq!(shop.toss.webhook_counts().delivered, 1);
}

#[tokio::test]
async fn a_webhook_comes_without_the_answer_and_can_be_made_to_wait_for_it() {
    let (shop, receiver) = open().await;
    let slow = || Fault::new(Operation::Confirm, FaultKind::Delay).delay(Duration::from_secs(600));
    for (round, after) in [false, true].into_iter().enumerate() {
        let body = shop.buyer(&format!("order-{round:04}"), 1_000);
        shop.toss.inject(slow());
        if after {
            shop.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::AfterAnswer));
        }
        let confirm = tokio::spawn(send(shop.keyed(CONFIRM, &round.to_string(), &body)));
        until(|| shop.toss.ledger().len() == round + 1).await;
        idle(&shop.toss).await;
        assert_eq!(receiver.came().len(), 1);
        assert_eq!(shop.toss.webhook_counts().held_back, usize::from(after));
        shop.toss.clear_faults();
        assert_eq!(confirm.await.unwrap().unwrap().told(), said(200, "DONE"));
        idle(&shop.toss).await;
        assert_eq!(receiver.came().len(), round + 1);
    }
}

#[tokio::test]
async fn a_lost_answer_lets_its_webhooks_go() {
    let (shop, receiver) = open().await;
    shop.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    shop.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::AfterAnswer));
    let body = shop.buyer("order-0001", 1_000);
    assert!(send(shop.keyed(CONFIRM, "one", &body)).await.is_err());
    idle(&shop.toss).await;
    assert_eq!(receiver.told(), ["payment DONE"]);
}

#[tokio::test]
async fn a_share_of_webhooks_suffers_by_chance() {
    let (shop, receiver) = open().await;
    let kinds = [WebhookFaultKind::Drop, WebhookFaultKind::Duplicate, WebhookFaultKind::Reorder];
    shop.toss.webhook_chaos(WebhookChaos::new(5, 500, kinds));
    for n in 0..60 {
        shop.sell(&format!("order-{n:04}"), 1_000).await;
    }
    shop.toss.clear_webhook_faults();
    idle(&shop.toss).await;
    let struck = shop.toss.webhook_faults_struck();
    let count = |kind| usize::try_from(struck.get(&kind).copied().unwrap_or_default()).unwrap();
    assert!(kinds.iter().all(|kind| count(*kind) > 0), "{struck:?}");
    let expected = 60 - count(WebhookFaultKind::Drop) + count(WebhookFaultKind::Duplicate);
    assert_eq!(receiver.came().len(), expected);
    shop.sell("order-last", 1_000).await;
    assert_eq!(shop.toss.webhook_faults_struck(), struck);
}

#[tokio::test]
async fn faults_of_webhooks_can_be_given_listed_and_cleared_over_http() {
    let (shop, receiver) = open().await;
    let control = async |method, call: &str, body: &str| shop.control(method, call, body).await.json();
    let fault = r#"{"fault":"hold","times":2,"orderId":"order-0001"}"#;
    assert_eq!(control(Method::POST, "webhooks/faults", fault).await["times"], 2);
    let chaos = r#"{"seed":1,"perMille":1000,"kinds":["drop"]}"#;
    assert_eq!(control(Method::POST, "webhooks/faults/random", chaos).await["perMille"], 1_000);
    shop.sell("order-0001", 1_000).await;
    shop.sell("order-0002", 1_000).await;
    let faults = control(Method::GET, "webhooks/faults", "").await;
    assert_eq!((&faults["faults"][0]["times"], &faults["random"]["seed"]), (&json!(1), &json!(1)));
    assert_eq!(faults["struck"], json!({"hold": 1, "drop": 1}));
    assert_eq!(control(Method::DELETE, "webhooks/faults", "").await, json!({"cleared": 1}));
    idle(&shop.toss).await;
    assert_eq!(receiver.told(), ["payment DONE"]);
    let faults = control(Method::GET, "webhooks/faults", "").await;
    assert_eq!((&faults["faults"], &faults["random"]), (&json!([]), &json!(null)));
}

//! Virtual accounts, whose deposits only webhooks tell at once.

use std::time::Duration;

use entity::webhook::{self, WebhookStatus};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, PayMethod, WebhookFault, WebhookFaultKind};

use crate::support::client::Reply;
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World, instant};

scenarios![
    a_deposit_gives_what_was_bought_at_once,
    a_deposit_that_is_taken_back_ends_it_and_a_second_one_renews_it,
    deposit_and_reversal_told_in_the_wrong_order_end_the_same,
    an_old_answer_does_not_bring_a_reversed_deposit_back,
    a_deposit_that_was_made_again_before_we_looked_counts_from_then,
    a_refund_of_a_deposit_that_was_made_again_before_we_looked_is_the_one_that_was_asked_for,
    an_account_cancelled_before_its_deposit_is_closed,
    a_deposit_call_back_with_a_wrong_secret_asks_nobody,
    a_deposit_after_the_term_still_counts,
];

async fn issued(world: &World) -> (Order, String) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    let body = world.confirm(&order, &key).await.expect(200).clone();
    assert!(body["payment"]["virtualAccount"]["accountNumber"].is_string());
    world.listen_to_webhooks();
    (order, key)
}

fn to_account() -> Value {
    let account = json!({"bank": "88", "accountNumber": "110123456789", "holderName": "김토스"});
    json!({"cancelReason": "변심", "refundReceiveAccount": account})
}

async fn refund_to_account(world: &World, order: &Order) -> Reply {
    world.service().post(&format!("/v1/payments/{}/cancel", order.order_id), to_account()).await
}

async fn is_active(world: &World) -> bool {
    world.subscription("u1").await["isActive"] == true
}

async fn a_deposit_gives_what_was_bought_at_once(world: &World) {
    let (order, key) = issued(world).await;
    world.toss.deposit(&key).expect("paid");
    // The change of state, and the deposit itself.
    assert_eq!(world.work_webhooks_off().await, 2);
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert!(is_active(world).await);
    assert_eq!(world.subscription("u1").await["periods"].as_array().map(Vec::len), Some(1));
}

async fn a_deposit_that_is_taken_back_ends_it_and_a_second_one_renews_it(world: &World) {
    let (order, key) = issued(world).await;
    world.toss.deposit(&key).expect("paid");
    world.work_webhooks_off().await;
    assert!(is_active(world).await);
    world.toss.reverse_deposit(&key).expect("reversed");
    world.work_webhooks_off().await;
    assert_eq!(world.payment(&order).await["status"], "WAITING_FOR_DEPOSIT");
    assert!(!is_active(world).await);
    world.toss.deposit(&key).expect("paid again");
    world.work_webhooks_off().await;
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert!(is_active(world).await);
    assert_eq!(world.subscription("u1").await["periods"].as_array().map(Vec::len), Some(1));
}

async fn deposit_and_reversal_told_in_the_wrong_order_end_the_same(world: &World) {
    let (order, key) = issued(world).await;
    world.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::Reorder).times(2));
    world.toss.deposit(&key).expect("paid");
    world.toss.reverse_deposit(&key).expect("reversed");
    world.toss.clear_webhook_faults();
    assert!(world.work_webhooks_off().await >= 2);
    assert_eq!(world.payment(&order).await["status"], "WAITING_FOR_DEPOSIT");
    world.service().get("/v1/users/u1/subscription").await.expect_problem(404, "SUBSCRIPTION_NOT_FOUND");
}

async fn an_old_answer_does_not_bring_a_reversed_deposit_back(world: &World) {
    let (order, key) = issued(world).await;
    let (other, _client) = world.second_service().await;
    world.toss.deposit(&key).expect("paid");
    world.toss.webhooks_idle().await;
    // One of the two answers that say so is held up on its way.
    world.toss.inject(Fault::new(Operation::Get, FaultKind::Delay).delay(Duration::from_secs(600)));
    let app = world.app.clone();
    let held = tokio::spawn(async move { gudok::webhooks::work_off(&app).await });
    world.await_status(&order, "DONE").await;
    world.toss.reverse_deposit(&key).expect("reversed");
    world.toss.webhooks_idle().await;
    gudok::webhooks::work_off(&other).await.expect("worked off");
    assert_eq!(world.payment(&order).await["status"], "WAITING_FOR_DEPOSIT");
    world.toss.clear_faults();
    held.await.expect("it ended").expect("worked off");
    assert_eq!(world.payment(&order).await["status"], "WAITING_FOR_DEPOSIT");
    assert!(!is_active(world).await);
    assert_eq!(world.ledger_of(&order), (1, 0));
}

/// An account that is paid here, while at Toss the deposit was taken back and made again five days later.
async fn paid_again_unseen(world: &World) -> (Order, chrono::DateTime<chrono::Utc>) {
    let (order, key) = issued(world).await;
    world.toss.deposit(&key).expect("paid");
    world.work_webhooks_off().await;
    world.toss.reverse_deposit(&key).expect("reversed");
    world.advance(chrono::Duration::days(5));
    world.toss.deposit(&key).expect("paid again");
    let again = instant(&world.toss.payment(&order.order_id).expect("a payment")["approvedAt"]);
    (order, again)
}

async fn a_deposit_that_was_made_again_before_we_looked_counts_from_then(world: &World) {
    let (order, again) = paid_again_unseen(world).await;
    world.work_webhooks_off().await;
    let payment = world.payment(&order).await;
    assert_eq!((&payment["status"], &payment["balanceAmount"]), (&"DONE".into(), &9_900.into()));
    assert_eq!(instant(&payment["approvedAt"]), again);
    let subscription = world.subscription("u1").await;
    assert_eq!(instant(&subscription["startDate"]), again, "the time of the first deposit was not paid for");
    assert_eq!(subscription["periods"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.ledger_of(&order), (2, 9_900));
    // Refunds are given for three days from the deposit that counts.
    world.advance(chrono::Duration::days(2));
    refund_to_account(world, &order).await.expect(200);
}

async fn a_refund_of_a_deposit_that_was_made_again_before_we_looked_is_the_one_that_was_asked_for(
    world: &World,
) {
    let (key_days, billing) = ("GUDOK__BILLING__REFUND_WINDOW_DAYS", "30");
    let (_app, client) = world.second_service_with(&[(key_days, billing)]).await;
    let (order, _again) = paid_again_unseen(world).await;
    // Toss gives back the second deposit; the books know only of the first one when they ask.
    let reply = client.post(&format!("/v1/payments/{}/cancel", order.order_id), to_account()).await;
    assert_eq!(reply.expect(200)["refund"]["status"], "DONE");
    let refunds = world.admin().get(&format!("/v1/refunds?orderId={}", order.order_id)).await;
    assert_eq!(refunds.expect(200)["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.ledger_of(&order), (2, 0));
    assert!(!is_active(world).await);
}

async fn an_account_cancelled_before_its_deposit_is_closed(world: &World) {
    let (order, key) = issued(world).await;
    world.toss.console_cancel(&key, None, "입금 전 취소").expect("cancelled");
    assert!(world.work_webhooks_off().await >= 1);
    let payment = world.payment(&order).await;
    assert_eq!((&payment["status"], &payment["balanceAmount"]), (&"CANCELED".into(), &0.into()));
}

async fn a_deposit_call_back_with_a_wrong_secret_asks_nobody(world: &World) {
    let (order, _key) = issued(world).await;
    let asked = world.calls_received(Operation::Get);
    let forged = json!({"createdAt": "2026-11-21T10:00:00+09:00", "secret": "ps_wrong", "status": "DONE",
        "transactionKey": "t", "orderId": order.order_id});
    world.stranger().post("/v1/webhooks/toss", forged).await.expect(200);
    assert_eq!(world.run_job("process-webhooks").await, 1);
    let rows = webhook::Entity::find().all(world.app.db.read()).await.expect("webhooks");
    assert_eq!((rows.len(), rows[0].status), (1, WebhookStatus::Ignored));
    assert_eq!(world.calls_received(Operation::Get), asked);
    assert_eq!(world.payment(&order).await["status"], "WAITING_FOR_DEPOSIT");
}

async fn a_deposit_after_the_term_still_counts(world: &World) {
    let (order, key) = issued(world).await;
    world.advance(chrono::Duration::days(8));
    world.run_job("settle-payments").await;
    let payment = world.payment(&order).await;
    assert_eq!(payment["status"], "WAITING_FOR_DEPOSIT");
    assert_eq!(payment["virtualAccount"]["expired"], true);
    // A bank may be late with it; what counts is that Toss holds the money.
    if world.toss.deposit(&key).is_ok() {
        world.work_webhooks_off().await;
        assert!(is_active(world).await);
    }
    assert_eq!(world.ledger_of(&order).1, world.payment(&order).await["balanceAmount"]);
}

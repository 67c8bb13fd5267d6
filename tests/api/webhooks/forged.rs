//! Webhooks that lie: no effect, and no end of trying.

use entity::webhook::{self, WebhookStatus};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use toss_sandbox::Operation;

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_forged_cancel_takes_nothing_back,
    a_forged_approval_gives_nothing,
    webhooks_about_unknown_orders_end_without_a_question_to_toss,
    a_webhook_with_a_strangers_payment_key_asks_about_our_own,
    a_late_abort_never_overwrites_an_approval,
];

async fn tell(world: &World, body: Value) {
    world.stranger().post("/v1/webhooks/toss", body).await.expect(200);
    assert_eq!(world.run_job("process-webhooks").await, 1);
}

async fn last(world: &World) -> webhook::Model {
    let mut rows = webhook::Entity::find().all(world.app.db.read()).await.expect("webhooks");
    rows.sort_by_key(|row| row.id);
    rows.pop().expect("one")
}

fn changed(order_id: &str, payment_key: &str, status: &str, balance: i64) -> Value {
    json!({"eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2026-11-21T10:00:00.1", "data": {
        "orderId": order_id, "paymentKey": payment_key, "status": status, "totalAmount": 9_900,
        "balanceAmount": balance, "currency": "KRW", "approvedAt": "2026-11-21T10:00:00+09:00",
        "cancels": [{"cancelAmount": 9_900 - balance, "transactionKey": "t", "cancelStatus": "DONE"}],
    }})
}

async fn a_forged_cancel_takes_nothing_back(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let before = world.payment(&order).await;
    let key = before["paymentKey"].as_str().expect("a key").to_owned();
    tell(world, changed(&order.order_id, &key, "CANCELED", 0)).await;
    assert_eq!(last(world).await.status, WebhookStatus::Done);
    assert_eq!(world.payment(&order).await, before);
    assert_eq!(world.subscription("u1").await["isActive"], true);
}

async fn a_forged_approval_gives_nothing(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let failure = json!({"orderId": order.order_id, "code": "PAY_PROCESS_CANCELED", "message": ""});
    world.service().post("/v1/payments/fail", failure).await.expect(200);
    tell(world, changed(&order.order_id, "tgen_forged", "DONE", 9_900)).await;
    assert_eq!(world.payment(&order).await["status"], "ABORTED");
    world.service().get("/v1/users/u1/subscription").await.expect_problem(404, "SUBSCRIPTION_NOT_FOUND");
}

async fn webhooks_about_unknown_orders_end_without_a_question_to_toss(world: &World) {
    for body in [
        changed("order-of-nobody", "tgen_x", "DONE", 9_900),
        json!({"eventType": "PAYMENT_STATUS_CHANGED", "data": {"paymentKey": "tgen_x"}}),
        json!({"createdAt": "x", "secret": "ps_x", "status": "DONE", "orderId": "order-of-nobody"}),
        json!({"eventType": "BILLING_DELETED", "data": {"billingKey": "b", "reason": null}}),
        json!({"eventType": "payout.changed", "eventId": "e", "entityType": "payout", "entityBody": {}}),
        json!({"orderId": ["no", "text"]}),
        json!({}),
    ] {
        tell(world, body).await;
        assert_eq!(last(world).await.status, WebhookStatus::Ignored);
    }
    assert_eq!(world.calls_received(Operation::Get), 0);
}

async fn a_webhook_with_a_strangers_payment_key_asks_about_our_own(world: &World) {
    let plan = world.basic().await;
    let (own, other) = (world.buy("u1", &plan).await, world.buy("u2", &plan).await);
    let foreign = world.payment(&other).await["paymentKey"].as_str().expect("a key").to_owned();
    let before = (world.payment(&own).await, world.payment(&other).await);
    tell(world, changed(&own.order_id, &foreign, "CANCELED", 0)).await;
    assert_eq!((world.payment(&own).await, world.payment(&other).await), before);
}

async fn a_late_abort_never_overwrites_an_approval(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    // The first attempt is declined, the second one approved; then Toss's word about the first one arrives.
    let first = world.authenticate(&order);
    let declined = toss_sandbox::Fault::new(Operation::Confirm, toss_sandbox::FaultKind::Reject);
    world.toss.inject(declined);
    world.confirm(&order, &first).await.expect_problem(402, "PAYMENT_REJECTED");
    let second = world.authenticate(&order);
    world.confirm(&order, &second).await.expect(200);
    let before = world.payment(&order).await;
    tell(world, changed(&order.order_id, &first, "ABORTED", 0)).await;
    assert_eq!(last(world).await.status, WebhookStatus::Done);
    assert_eq!(world.payment(&order).await, before);
    let findings = entity::finding::Entity::find().all(world.app.db.read()).await.expect("findings");
    assert!(findings.is_empty(), "{findings:?}");
}

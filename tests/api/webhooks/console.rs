//! What staff do in Toss's own console, which only webhooks tell us at once.

use serde_json::Value;
use toss_sandbox::{Fault, FaultKind, Operation, WebhookFault, WebhookFaultKind};

use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    a_refund_by_staff_gets_its_row_and_ends_the_subscription,
    a_partial_refund_by_staff_leaves_the_subscription,
    refunds_told_in_the_wrong_order_end_the_same,
    a_refund_by_staff_while_ours_is_under_way_is_entered_once,
    a_refund_for_which_staff_left_no_money_ends_with_theirs,
    an_event_refunded_by_staff_leaves_the_total,
];

async fn refunds_of(world: &World, order: &Order) -> Vec<Value> {
    let reply = world.admin().get(&format!("/v1/refunds?orderId={}", order.order_id)).await;
    reply.expect(200)["items"].as_array().expect("a list").clone()
}

async fn bought(world: &World) -> (Order, String) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let key = world.payment(&order).await["paymentKey"].as_str().expect("a key").to_owned();
    world.listen_to_webhooks();
    (order, key)
}

async fn a_refund_by_staff_gets_its_row_and_ends_the_subscription(world: &World) {
    let (order, key) = bought(world).await;
    world.toss.console_cancel(&key, None, "고객 요청").expect("cancelled");
    assert_eq!(world.work_webhooks_off().await, 1);
    assert_eq!(world.payment(&order).await["status"], "CANCELED");
    let refunds = refunds_of(world, &order).await;
    assert_eq!(refunds.len(), 1);
    assert_eq!((&refunds[0]["status"], &refunds[0]["reason"]), (&"DONE".into(), &"고객 요청".into()));
    assert_eq!(world.subscription("u1").await["isActive"], false);
}

async fn a_partial_refund_by_staff_leaves_the_subscription(world: &World) {
    let (order, key) = bought(world).await;
    world.toss.console_cancel(&key, Some(900), "부분 환불").expect("cancelled");
    assert_eq!(world.work_webhooks_off().await, 1);
    let payment = world.payment(&order).await;
    assert_eq!((&payment["status"], &payment["balanceAmount"]), (&"PARTIAL_CANCELED".into(), &9_000.into()));
    assert_eq!(refunds_of(world, &order).await.len(), 1);
    assert_eq!(world.subscription("u1").await["isActive"], true);
}

async fn refunds_told_in_the_wrong_order_end_the_same(world: &World) {
    let (order, key) = bought(world).await;
    world.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::Reorder));
    world.toss.console_cancel(&key, Some(900), "하나").expect("cancelled");
    world.toss.console_cancel(&key, Some(4_000), "둘").expect("cancelled");
    assert_eq!(world.work_webhooks_off().await, 2);
    assert_eq!(world.payment(&order).await["balanceAmount"], 5_000);
    assert_eq!(refunds_of(world, &order).await.len(), 2);
}

async fn a_refund_by_staff_while_ours_is_under_way_is_entered_once(world: &World) {
    let (order, key) = bought(world).await;
    // Ours never arrives, and meanwhile staff do the same.
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropBefore));
    world.refund(&order, None).await.expect(202);
    world.toss.console_cancel(&key, None, "고객 요청").expect("cancelled");
    assert_eq!(world.work_webhooks_off().await, 1);
    let refunds = refunds_of(world, &order).await;
    assert_eq!((refunds.len(), &refunds[0]["status"]), (1, &"DONE".into()));
    world.settle().await;
    assert_eq!(world.ledger_of(&order), (1, 0));
    assert_eq!(refunds_of(world, &order).await.len(), 1);
}

async fn a_refund_for_which_staff_left_no_money_ends_with_theirs(world: &World) {
    let (order, key) = bought(world).await;
    // Ours never arrives, and meanwhile staff give more back than it would leave.
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropBefore));
    world.refund(&order, Some(1_000)).await.expect(202);
    world.toss.console_cancel(&key, Some(9_000), "고객 요청").expect("cancelled");
    assert_eq!(world.work_webhooks_off().await, 1);
    // Together they would be more than what was paid, so they never stand side by side.
    let refunds = refunds_of(world, &order).await;
    let stands = |refund: &Value| (refund["amount"].clone(), refund["status"].clone());
    let standing: Vec<_> = refunds.iter().map(stands).collect();
    assert_eq!(standing, [(9_000.into(), "DONE".into()), (1_000.into(), "FAILED".into())]);
    // What is left can be asked for again.
    world.refund(&order, Some(900)).await.expect(200);
    assert_eq!(world.ledger_of(&order), (1, 0));
}

async fn an_event_refunded_by_staff_leaves_the_total(world: &World) {
    let plan = world.event().await;
    let order = world.buy("u1", &plan).await;
    let key = world.payment(&order).await["paymentKey"].as_str().expect("a key").to_owned();
    world.listen_to_webhooks();
    assert_eq!(world.event_total().await, 5_000);
    world.toss.console_cancel(&key, Some(2_000), "고객 요청").expect("cancelled");
    world.work_webhooks_off().await;
    assert_eq!(world.event_total().await, 3_000);
}

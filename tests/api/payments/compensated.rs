//! Approvals that cannot be honoured: their money goes back by itself, and people can see it.

use entity::compensation;
use entity::refund::RefundStatus;
use sea_orm::EntityTrait;
use toss_sandbox::{Fault, FaultKind, Operation};

use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    a_century_is_all_that_can_be_bought_and_more_is_given_back,
    a_compensation_whose_answer_was_lost_cancels_once,
    a_compensation_that_staff_made_first_is_found,
    a_compensation_that_toss_refuses_stays_visible,
    a_second_approval_of_a_paid_order_is_given_back,
    a_second_approval_that_was_given_back_is_nothing_new,
];

/// Ten decades for u1, and an order for one more, which is approved but cannot be served. Gives that order.
pub(crate) async fn one_decade_too_many(world: &World) -> Order {
    let plan = world.plan("DECADE", "PREMIUM", 100_000, Some(120)).await;
    for _ in 0..9 {
        world.buy("u1", &plan).await;
    }
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.buy("u1", &plan).await;
    let reply = world.confirm(&order, &key).await;
    assert_eq!(reply.expect(202)["payment"]["status"], "IN_PROGRESS");
    assert_eq!(world.ledger_of(&order), (1, 100_000));
    order
}

async fn only_compensation(world: &World) -> compensation::Model {
    let all = compensation::Entity::find().all(world.app.db.read()).await.expect("compensations");
    assert_eq!(all.len(), 1);
    all.into_iter().next().expect("one")
}

async fn is_given_back(world: &World, order: &Order) {
    let payment = world.payment(order).await;
    assert_eq!((&payment["status"], &payment["balanceAmount"]), (&"CANCELED".into(), &0.into()));
    assert_eq!(world.ledger_of(order), (1, 0));
    let refunds = world.admin().get(&format!("/v1/refunds?orderId={}", order.order_id)).await;
    let refunds = refunds.expect(200)["items"].as_array().expect("a list").clone();
    assert_eq!(refunds.len(), 1);
    assert_eq!((&refunds[0]["status"], &refunds[0]["amount"]), (&"DONE".into(), &100_000.into()));
    assert_eq!(world.subscription("u1").await["periods"].as_array().map(Vec::len), Some(10));
    assert_eq!(only_compensation(world).await.status, RefundStatus::Done);
}

async fn a_century_is_all_that_can_be_bought_and_more_is_given_back(world: &World) {
    let order = one_decade_too_many(world).await;
    assert_eq!(only_compensation(world).await.status, RefundStatus::Pending);
    world.settle().await;
    is_given_back(world, &order).await;
    // Nothing is left to do.
    world.advance(chrono::Duration::hours(2));
    assert_eq!(world.settle().await, 0);
    assert_eq!(world.calls_received(Operation::Cancel), 1);
}

async fn a_compensation_whose_answer_was_lost_cancels_once(world: &World) {
    let order = one_decade_too_many(world).await;
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropAfter));
    world.settle().await;
    assert_eq!(world.ledger_of(&order), (1, 0));
    world.settle().await;
    is_given_back(world, &order).await;
    assert_eq!(world.calls_received(Operation::Cancel), 1);
}

async fn a_compensation_that_staff_made_first_is_found(world: &World) {
    let order = one_decade_too_many(world).await;
    let key = only_compensation(world).await.payment_key;
    world.toss.console_cancel(key.as_str(), None, "이중 결제").expect("cancelled");
    world.settle().await;
    is_given_back(world, &order).await;
    assert_eq!(world.calls_received(Operation::Cancel), 0);
}

async fn a_compensation_that_toss_refuses_stays_visible(world: &World) {
    let order = one_decade_too_many(world).await;
    let refused = Fault::new(Operation::Cancel, FaultKind::Reject).code("NOT_CANCELABLE_PAYMENT");
    world.toss.inject(refused);
    world.settle().await;
    let row = only_compensation(world).await;
    assert_eq!(row.status, RefundStatus::Failed);
    assert_eq!(row.failure_code.as_deref(), Some("NOT_CANCELABLE_PAYMENT"));
    assert_eq!(world.payment(&order).await["status"], "IN_PROGRESS");
    assert_eq!(world.ledger_of(&order), (1, 100_000));
}

/// An order whose first attempt Toss declined and approved all the same, and whose second one was approved as well.
pub(crate) async fn approved_twice(world: &World) -> Order {
    world.toss.one_approval_per_order(false);
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let first = world.authenticate(&order);
    // Toss lies: the money is taken, and a decline is what we hear.
    world.toss_denies_an_approval();
    world.confirm(&order, &first).await.expect_problem(402, "PAYMENT_REJECTED");
    let second = world.authenticate(&order);
    world.confirm(&order, &second).await.expect(200);
    assert_eq!(world.ledger_of(&order), (2, 19_800));
    order
}

/// Toss tells again of everything that it holds for the order.
pub(crate) async fn tell_of_both(world: &World, order: &Order) {
    world.listen_to_webhooks();
    for payment in world.toss.payments(&order.order_id) {
        let told = serde_json::json!({"eventType": "PAYMENT_STATUS_CHANGED", "data": payment});
        world.toss.send_webhook(told, None).expect("sent");
    }
    world.work_webhooks_off().await;
}

async fn a_second_approval_of_a_paid_order_is_given_back(world: &World) {
    let order = approved_twice(world).await;
    let before = world.payment(&order).await;
    tell_of_both(world, &order).await;
    assert_eq!(only_compensation(world).await.status, RefundStatus::Pending);
    world.settle().await;
    assert_eq!(only_compensation(world).await.status, RefundStatus::Done);
    assert_eq!(world.ledger_of(&order), (2, 9_900));
    assert_eq!(world.payment(&order).await, before);
    assert_eq!(world.subscription("u1").await["periods"].as_array().map(Vec::len), Some(1));
}

async fn a_second_approval_that_was_given_back_is_nothing_new(world: &World) {
    let order = approved_twice(world).await;
    tell_of_both(world, &order).await;
    world.settle().await;
    let before = world.payment(&order).await;
    tell_of_both(world, &order).await;
    world.settle().await;
    assert_eq!(only_compensation(world).await.status, RefundStatus::Done);
    assert_eq!(world.payment(&order).await, before);
    assert_eq!(world.calls_received(Operation::Cancel), 1);
    // The buyer's own refund is about the payment that counts.
    world.refund(&order, None).await.expect(200);
    assert_eq!(world.ledger_of(&order), (2, 0));
}

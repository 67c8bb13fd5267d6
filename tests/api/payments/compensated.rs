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
];

/// Ten decades for u1, and an order for one more, which is approved but cannot be served. Gives that order.
async fn one_decade_too_many(world: &World) -> Order {
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

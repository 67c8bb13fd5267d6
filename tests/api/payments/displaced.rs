//! Attempts that another one displaces while their own outcome is open, and deposits whose news come late.

use std::time::Duration;

use entity::compensation;
use entity::payment_event::Cause;
use gudok::payments::reread_key;
use sea_orm::EntityTrait;
use serde_json::json;
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, PayMethod};

use crate::support::process::eventually;
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    an_attempt_that_is_displaced_and_approved_as_well_is_given_back,
    an_attempt_that_is_displaced_and_came_to_nothing_leaves_nothing,
    news_of_a_deposit_that_has_been_taken_back_meanwhile_turn_nothing,
    an_account_that_toss_does_not_tell_of_is_asked_about_ever_more_slowly,
];

async fn compensations(world: &World) -> usize {
    compensation::Entity::find().all(world.app.db.read()).await.expect("compensations").len()
}

/// The first attempt was approved though we heard a no; the second one is open when we hear of that.
async fn displaced(world: &World, second_fault: FaultKind) -> Order {
    world.toss.one_approval_per_order(false);
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let first = world.authenticate(&order);
    world.toss_denies_an_approval();
    world.confirm(&order, &first).await.expect_problem(402, "PAYMENT_REJECTED");
    let second = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, second_fault));
    world.confirm(&order, &second).await.expect(202);
    let (order_id, first) = (order.order_id.parse().expect("an id"), first.parse().expect("a key"));
    reread_key(&world.app, &order_id, Some(&first), Cause::Webhook).await.expect("read again");
    assert_eq!(world.payment(&order).await["paymentKey"], first.to_string());
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert_eq!(compensations(world).await, 1);
    order
}

async fn an_attempt_that_is_displaced_and_approved_as_well_is_given_back(world: &World) {
    let order = displaced(world, FaultKind::DropAfter).await;
    assert_eq!(world.ledger_of(&order), (2, 19_800));
    world.settle().await;
    assert_eq!(world.ledger_of(&order), (2, 9_900));
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert_eq!(world.subscription("u1").await["periods"].as_array().map(Vec::len), Some(1));
}

async fn an_attempt_that_is_displaced_and_came_to_nothing_leaves_nothing(world: &World) {
    let order = displaced(world, FaultKind::DropBefore).await;
    world.settle().await;
    assert_eq!(compensations(world).await, 1, "it may still be approved");
    world.advance(chrono::Duration::minutes(20));
    world.settle().await;
    assert_eq!(compensations(world).await, 0);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
    assert_eq!(world.calls_received(Operation::Cancel), 0);
}

async fn issued(world: &World) -> (Order, String) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    world.confirm(&order, &key).await.expect(200);
    (order, key)
}

async fn news_of_a_deposit_that_has_been_taken_back_meanwhile_turn_nothing(world: &World) {
    let (order, key) = issued(world).await;
    world.toss.deposit(&key).expect("paid");
    let order_id = order.order_id.parse().expect("an id");
    // A look-up sees the deposit, and its answer is on the way for long.
    let asked = world.calls_received(Operation::Get);
    world.toss.inject(Fault::new(Operation::Get, FaultKind::Delay).delay(Duration::from_secs(600)));
    let late = {
        let (app, order_id) = (world.app.clone(), entity::OrderId::clone(&order_id));
        tokio::spawn(async move { reread_key(&app, &order_id, None, Cause::Webhook).await })
    };
    eventually("Toss is asked", async || (world.calls_received(Operation::Get) > asked).then_some(())).await;
    reread_key(&world.app, &order_id, None, Cause::Webhook).await.expect("read again");
    world.toss.reverse_deposit(&key).expect("reversed");
    reread_key(&world.app, &order_id, None, Cause::Webhook).await.expect("read again");
    assert_eq!(world.payment(&order).await["status"], "WAITING_FOR_DEPOSIT");
    world.toss.clear_faults();
    late.await.expect("not cut off").expect("read again");
    assert_eq!(world.payment(&order).await["status"], "WAITING_FOR_DEPOSIT");
    assert_eq!(world.subscription("u1").await["isActive"], false);
    // In doubt it is asked again soon, and then the doubt is over.
    world.settle().await;
    assert_eq!(world.payment(&order).await["status"], "WAITING_FOR_DEPOSIT");
}

async fn an_account_that_toss_does_not_tell_of_is_asked_about_ever_more_slowly(world: &World) {
    let (order, _key) = issued(world).await;
    world.advance(chrono::Duration::hours(2));
    let asked = world.calls_received(Operation::Get);
    world.toss.inject(
        Fault::new(Operation::Get, FaultKind::ErrorBefore).times(50).for_order(order.order_id.clone()),
    );
    for _ in 0..10 {
        world.run_job("settle-payments").await;
        world.advance(chrono::Duration::seconds(11));
    }
    assert!(world.calls_received(Operation::Get) <= asked + 3, "it is asked as if it were urgent");
    let body = json!({"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": order.order_id}});
    world.toss.clear_faults();
    world.stranger().post("/v1/webhooks/toss", body).await.expect(200);
    assert_eq!(world.run_job("process-webhooks").await, 1);
    assert_eq!(world.payment(&order).await["status"], "WAITING_FOR_DEPOSIT");
}

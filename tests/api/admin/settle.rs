//! Asking Toss about one payment because an operator wants to know.

use std::time::Duration;

use serde_json::json;
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, PayMethod};

use crate::support::client::{Client, Reply};
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    a_lost_approval_is_found_on_demand,
    a_confirmation_that_never_arrived_is_sent_again_under_its_key,
    a_lost_refund_is_found_on_demand,
    a_payment_that_is_not_due_for_an_hour_is_asked_about_all_the_same,
    a_cancel_by_staff_is_taken_over_on_demand,
    a_deposit_is_found_on_demand,
    a_decided_payment_stays_what_it_is,
    a_confirmation_under_way_is_left_alone,
    an_order_of_nobody_is_not_found,
    a_toss_that_does_not_tell_is_503_and_changes_nothing,
    a_wrong_key_of_ours_is_503_and_changes_nothing,
    a_pause_that_toss_wants_is_kept,
];

/// Asks about an order as an operator would.
pub(super) async fn settle_by(client: &Client, order: &Order) -> Reply {
    client.post(&format!("/v1/admin/payments/{}/settle", order.order_id), json!({})).await
}

async fn settle(world: &World, order: &Order) -> Reply {
    settle_by(&world.admin(), order).await
}

/// An order whose confirmation ended in `fault`, and its payment key.
pub(super) async fn lost(world: &World, user: &str, plan: &str, fault: FaultKind) -> (Order, String) {
    let order = world.order(user, plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, fault).for_order(&order.order_id));
    world.confirm(&order, &key).await.expect(202);
    (order, key)
}

async fn a_lost_approval_is_found_on_demand(world: &World) {
    let plan = world.basic().await;
    let (order, _key) = lost(world, "u1", &plan, FaultKind::DropAfter).await;
    let reply = settle(world, &order).await;
    assert_eq!(reply.expect(200), &world.payment(&order).await);
    assert_eq!(reply.body["status"], "DONE");
    assert_eq!(world.subscription("u1").await["isActive"], true);
    assert_eq!((world.confirms_received(&order), world.ledger_of(&order)), (1, (1, 9_900)));
}

async fn a_confirmation_that_never_arrived_is_sent_again_under_its_key(world: &World) {
    let plan = world.basic().await;
    let (order, _key) = lost(world, "u1", &plan, FaultKind::DropBefore).await;
    assert_eq!(settle(world, &order).await.expect(200)["status"], "DONE");
    let calls = world.toss.received().into_iter().filter(|call| call.operation == Operation::Confirm);
    let keys: Vec<_> = calls.map(|call| call.idempotency_key.expect("a key")).collect();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn a_lost_refund_is_found_on_demand(world: &World) {
    let plan = world.basic().await;
    for (fault, cancels) in [(FaultKind::DropAfter, 1), (FaultKind::DropBefore, 3)] {
        let order = world.buy("u1", &plan).await;
        world.toss.inject(Fault::new(Operation::Cancel, fault));
        world.refund(&order, None).await.expect(202);
        let payment = settle(world, &order).await.expect(200).clone();
        assert_eq!((&payment["status"], &payment["balanceAmount"]), (&"CANCELED".into(), &0.into()));
        assert_eq!(world.ledger_of(&order), (1, 0));
        assert_eq!(world.calls_received(Operation::Cancel), cancels);
    }
}

async fn a_payment_that_is_not_due_for_an_hour_is_asked_about_all_the_same(world: &World) {
    let plan = world.basic().await;
    let (order, _key) = lost(world, "u1", &plan, FaultKind::DropAfter).await;
    world.toss.inject(Fault::new(Operation::Get, FaultKind::ErrorBefore).times(12));
    for _ in 0..12 {
        world.advance(chrono::Duration::hours(2));
        world.run_job("settle-payments").await;
    }
    assert_eq!(world.run_job("settle-payments").await, 0, "it is due again");
    assert_eq!(settle(world, &order).await.expect(200)["status"], "DONE");
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn a_cancel_by_staff_is_taken_over_on_demand(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let key = world.payment(&order).await["paymentKey"].as_str().expect("a key").to_owned();
    world.toss.console_cancel(&key, None, "고객 요청").expect("cancelled");
    let payment = settle(world, &order).await.expect(200).clone();
    assert_eq!((&payment["status"], &payment["balanceAmount"]), (&"CANCELED".into(), &0.into()));
    assert_eq!(world.subscription("u1").await["isActive"], false);
    let refunds = world.admin().get(&format!("/v1/refunds?orderId={}", order.order_id)).await;
    assert_eq!(refunds.expect(200)["items"][0]["reason"], "고객 요청");
}

async fn a_deposit_is_found_on_demand(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    world.confirm(&order, &key).await.expect(200);
    assert_eq!(settle(world, &order).await.expect(200)["status"], "WAITING_FOR_DEPOSIT");
    world.toss.deposit(&key).expect("paid");
    assert_eq!(settle(world, &order).await.expect(200)["status"], "DONE");
    assert_eq!(world.subscription("u1").await["isActive"], true);
}

async fn a_decided_payment_stays_what_it_is(world: &World) {
    let plan = world.basic().await;
    let paid = world.buy("u1", &plan).await;
    let declined = world.order("u1", &plan).await;
    let key = world.authenticate(&declined);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::Reject));
    world.confirm(&declined, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    let failed = world.order("u1", &plan).await;
    let body = json!({"orderId": failed.order_id, "code": "PAY_PROCESS_CANCELED", "message": ""});
    world.service().post("/v1/payments/fail", body).await.expect(200);
    for order in [&paid, &declined, &failed] {
        let before = world.payment(order).await;
        assert_eq!(settle(world, order).await.expect(200), &before);
    }
    assert_eq!(world.calls_received(Operation::Confirm), 2, "nothing is charged on demand");
}

async fn a_confirmation_under_way_is_left_alone(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let held = Fault::new(Operation::Confirm, FaultKind::Delay).delay(Duration::from_secs(600));
    world.toss.inject(held.before());
    let confirming = {
        let (client, body) = (world.service(), order.confirmation(&key));
        tokio::spawn(async move { client.post("/v1/payments/confirm", body).await })
    };
    while world.confirms_received(&order) == 0 {
        tokio::task::yield_now().await;
    }
    let reply = settle(world, &order).await;
    reply.expect_problem(409, "REQUEST_IN_PROGRESS");
    assert!(!reply.header("retry-after").is_empty());
    assert_eq!(world.calls_received(Operation::Get), 0);
    world.toss.clear_faults();
    assert_eq!(confirming.await.expect("not cut off").expect(200)["payment"]["status"], "DONE");
    assert_eq!(settle(world, &order).await.expect(200)["status"], "DONE");
    assert_eq!((world.confirms_received(&order), world.ledger_of(&order)), (1, (1, 9_900)));
}

async fn an_order_of_nobody_is_not_found(world: &World) {
    let plan = world.basic().await;
    let quoted = world.order("u1", &plan).await;
    let unknown = Order { order_id: "order-of-nobody".to_owned(), amount: 1 };
    for order in [quoted, unknown] {
        settle(world, &order).await.expect_problem(404, "PAYMENT_NOT_FOUND");
    }
    assert_eq!(world.toss.received(), []);
}

async fn a_toss_that_does_not_tell_is_503_and_changes_nothing(world: &World) {
    let plan = world.basic().await;
    let (open, _key) = lost(world, "u1", &plan, FaultKind::DropAfter).await;
    let paid = world.buy("u2", &plan).await;
    for fault in [FaultKind::ErrorBefore, FaultKind::DropBefore, FaultKind::Html] {
        world.toss.inject(Fault::new(Operation::Get, fault).times(100));
        for order in [&open, &paid] {
            let before = world.payment(order).await;
            let reply = settle(world, order).await;
            reply.expect_problem(503, "PG_UNAVAILABLE");
            assert!(reply.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
            assert_eq!(world.payment(order).await, before);
        }
        world.toss.clear_faults();
        // The next wait on the ladder may not look like somebody's work.
        world.advance(chrono::Duration::hours(2));
    }
    assert_eq!(settle(world, &open).await.expect(200)["status"], "DONE");
    assert_eq!(settle(world, &paid).await.expect(200)["status"], "DONE");
}

async fn a_wrong_key_of_ours_is_503_and_changes_nothing(world: &World) {
    let wrong = [("GUDOK__TOSS__SECRET_KEY", "test_gsk_of_another_shop_00000000")];
    let (_app, misconfigured) = world.second_service_with(&wrong).await;
    let plan = world.basic().await;
    let (open, _key) = lost(world, "u1", &plan, FaultKind::DropAfter).await;
    let paid = world.buy("u2", &plan).await;
    for order in [&open, &paid] {
        let before = world.payment(order).await;
        settle_by(&misconfigured, order).await.expect_problem(503, "PG_UNAVAILABLE");
        assert_eq!(world.payment(order).await, before);
    }
    assert_eq!(settle(world, &open).await.expect(200)["status"], "DONE");
}

async fn a_pause_that_toss_wants_is_kept(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    world.toss.inject(Fault::new(Operation::Get, FaultKind::RateLimited).retry_after(30));
    settle(world, &order).await.expect_problem(503, "PG_UNAVAILABLE");
    let asked = world.toss.received().len();
    settle(world, &order).await.expect_problem(503, "PG_UNAVAILABLE");
    assert_eq!(world.toss.received().len(), asked, "asked in the pause");
    world.advance(chrono::Duration::seconds(31));
    settle(world, &order).await.expect(200);
}

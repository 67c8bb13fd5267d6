//! Refunds whose answer is lost, that Toss refuses, or that its staff made first.

use std::time::Duration;

use serde_json::Value;
use toss_sandbox::{Fault, FaultKind, LedgerKind, Operation};

use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    a_cancel_that_staff_made_earlier_does_not_count_as_ours,
    a_refund_lost_on_the_way_there_is_sent_again,
    a_refund_lost_on_the_way_back_is_found,
    a_500_before_the_refund_is_tried_again,
    a_500_after_the_refund_is_found_out,
    garbled_answers_to_a_refund_are_found_out,
    a_lost_partial_refund_is_settled_with_its_amount,
    an_open_refund_reserves_its_amount,
    a_client_that_hangs_up_does_not_stop_its_refund,
    a_refund_that_toss_declines_leaves_the_amount_free,
    a_full_cancel_by_staff_is_taken_over,
    a_partial_cancel_by_staff_is_booked_when_we_meet_it,
    a_wrong_key_of_ours_leaves_the_refund_open,
];

fn on_cancel(fault: FaultKind) -> Fault {
    Fault::new(Operation::Cancel, fault)
}

/// The refunds of an order, newest first.
async fn refunds(world: &World, order: &Order) -> Vec<Value> {
    let reply = world.admin().get(&format!("/v1/refunds?orderId={}", order.order_id)).await;
    reply.expect(200)["items"].as_array().expect("items").clone()
}

fn cancels_of(world: &World, order: &Order) -> Vec<i64> {
    let ledger = world.toss.ledger().into_iter();
    let own = ledger.filter(|entry| entry.kind == LedgerKind::Cancel && entry.order_id == order.order_id);
    own.map(|entry| entry.amount).collect()
}

/// Refunds into `fault`, settles, and gives how often Toss was asked to cancel.
async fn settled_after(world: &World, fault: Fault, amount: Option<i64>) -> usize {
    let plan =
        world.plan(&format!("P{}", world.calls_received(Operation::Cancel)), "BASIC", 9_900, Some(1)).await;
    let order = world.buy("u1", &plan).await;
    let (wanted, before) = (amount.unwrap_or(9_900), world.calls_received(Operation::Cancel));
    world.toss.inject(fault);
    let reply = world.refund(&order, amount).await;
    let body = reply.expect(202);
    assert_eq!((&body["refund"]["status"], &body["refund"]["amount"]), (&"PENDING".into(), &wanted.into()));
    assert_eq!(body["payment"]["balanceAmount"], 9_900);
    assert!(!reply.header("retry-after").is_empty());
    assert_eq!(world.settle().await, 1);
    let listed = refunds(world, &order).await;
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["id"], &listed[0]["status"]), (&body["refund"]["id"], &"DONE".into()));
    assert_eq!(world.payment(&order).await["balanceAmount"], 9_900 - wanted);
    assert_eq!(cancels_of(world, &order), [wanted]);
    world.advance(chrono::Duration::hours(2));
    assert_eq!(world.run_job("settle-payments").await, 0);
    world.calls_received(Operation::Cancel) - before
}

async fn a_refund_lost_on_the_way_there_is_sent_again(world: &World) {
    assert_eq!(settled_after(world, on_cancel(FaultKind::DropBefore), None).await, 2);
    assert_eq!(world.subscription("u1").await["status"], "CANCELED");
}

async fn a_refund_lost_on_the_way_back_is_found(world: &World) {
    assert_eq!(settled_after(world, on_cancel(FaultKind::DropAfter), None).await, 1);
    assert_eq!(world.subscription("u1").await["status"], "CANCELED");
}

async fn a_500_before_the_refund_is_tried_again(world: &World) {
    assert_eq!(settled_after(world, on_cancel(FaultKind::ErrorBefore), None).await, 2);
}

async fn a_500_after_the_refund_is_found_out(world: &World) {
    assert_eq!(settled_after(world, on_cancel(FaultKind::ErrorAfter), None).await, 1);
}

async fn garbled_answers_to_a_refund_are_found_out(world: &World) {
    assert_eq!(settled_after(world, on_cancel(FaultKind::Html), None).await, 1);
    assert_eq!(settled_after(world, on_cancel(FaultKind::TruncatedJson), None).await, 1);
    assert_eq!(settled_after(world, on_cancel(FaultKind::RateLimited), None).await, 2);
    let tomorrow = on_cancel(FaultKind::ErrorAfter).status(403).code("A_CODE_OF_TOMORROW");
    assert_eq!(settled_after(world, tomorrow, None).await, 1);
}

async fn a_lost_partial_refund_is_settled_with_its_amount(world: &World) {
    assert_eq!(settled_after(world, on_cancel(FaultKind::DropAfter), Some(3_000)).await, 1);
    assert_eq!(settled_after(world, on_cancel(FaultKind::DropBefore), Some(3_000)).await, 2);
    assert_eq!(world.subscription("u1").await["isActive"], true);
}

async fn an_open_refund_reserves_its_amount(world: &World) {
    let plan = world.event().await;
    let order = world.buy("u1", &plan).await;
    world.toss.inject(on_cancel(FaultKind::DropBefore));
    world.refund(&order, Some(3_000)).await.expect(202);
    world.refund(&order, Some(3_000)).await.expect_problem(409, "REQUEST_IN_PROGRESS");
    // What is open is no refund yet.
    assert_eq!(world.event_total().await, 5_000);
    assert_eq!(world.settle().await, 1);
    assert_eq!(world.event_total().await, 2_000);
    world.refund(&order, Some(3_000)).await.expect_problem(409, "REFUND_EXCEEDS_BALANCE");
    world.refund(&order, Some(2_000)).await.expect(200);
    assert_eq!(cancels_of(world, &order), [3_000, 2_000]);
}

async fn a_client_that_hangs_up_does_not_stop_its_refund(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    world.toss.inject(on_cancel(FaultKind::Delay).delay(Duration::from_secs(600)).before());
    let (client, path) = (world.service(), format!("/v1/payments/{}/cancel", order.order_id));
    let body = serde_json::json!({"cancelReason": "변심"});
    let waiting = tokio::spawn(async move { client.post(&path, body).await });
    while world.calls_received(Operation::Cancel) == 0 {
        assert!(!waiting.is_finished(), "answered before Toss was asked");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    waiting.abort();
    assert!(waiting.await.is_err_and(|ended| ended.is_cancelled()));
    world.toss.clear_faults();
    world.await_status(&order, "CANCELED").await;
    assert_eq!(cancels_of(world, &order), [9_900]);
    assert_eq!(world.calls_received(Operation::Cancel), 1);
}

async fn a_refund_that_toss_declines_leaves_the_amount_free(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let before = world.subscription("u1").await;
    world.toss.inject(on_cancel(FaultKind::ErrorBefore).status(403).code("NOT_CANCELABLE_PAYMENT"));
    let reply = world.refund(&order, None).await;
    let problem = reply.expect_problem(409, "PAYMENT_NOT_REFUNDABLE");
    assert_eq!(problem["pg"]["code"], "NOT_CANCELABLE_PAYMENT");
    let listed = refunds(world, &order).await;
    assert_eq!((listed.len(), &listed[0]["status"]), (1, &"FAILED".into()));
    assert_eq!(world.payment(&order).await["balanceAmount"], 9_900);
    assert_eq!(world.subscription("u1").await, before);
    world.refund(&order, None).await.expect(200);
    assert_eq!(cancels_of(world, &order), [9_900]);
}

async fn a_full_cancel_by_staff_is_taken_over(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let key = world.payment(&order).await["paymentKey"].as_str().unwrap().to_owned();
    world.toss.console_cancel(&key, None, "상담원 취소").expect("cancelled");
    let reply = world.refund(&order, None).await;
    // Either "yes, it is back" or "it is back already": never a second cancel.
    assert!(reply.status == 200 || reply.code() == "ALREADY_REFUNDED", "{}", reply.text);
    let payment = world.payment(&order).await;
    assert_eq!((&payment["status"], &payment["balanceAmount"]), (&"CANCELED".into(), &0.into()));
    assert_eq!(world.subscription("u1").await["status"], "CANCELED");
    let done: Vec<_> =
        refunds(world, &order).await.into_iter().filter(|row| row["status"] == "DONE").collect();
    assert_eq!((done.len(), &done[0]["amount"]), (1, &9_900.into()));
    assert_eq!(cancels_of(world, &order), [9_900]);
}

async fn a_partial_cancel_by_staff_is_booked_when_we_meet_it(world: &World) {
    let plan = world.event().await;
    let order = world.buy("u1", &plan).await;
    let key = world.payment(&order).await["paymentKey"].as_str().unwrap().to_owned();
    world.toss.console_cancel(&key, Some(2_000), "상담원 취소").expect("cancelled");
    // We believe that 5,000 is left; Toss knows that it is 3,000, and nothing may go back unasked.
    world.refund(&order, None).await.expect_problem(409, "REFUND_EXCEEDS_BALANCE");
    let payment = world.payment(&order).await;
    assert_eq!((&payment["status"], &payment["balanceAmount"]), (&"PARTIAL_CANCELED".into(), &3_000.into()));
    assert_eq!(world.event_total().await, 3_000);
    let listed = refunds(world, &order).await;
    let staff = listed.iter().find(|row| row["status"] == "DONE").expect("a row for the staff's cancel");
    assert_eq!((&staff["amount"], &staff["reason"]), (&2_000.into(), &"상담원 취소".into()));
    world.refund(&order, None).await.expect(200);
    assert_eq!(cancels_of(world, &order), [2_000, 3_000]);
    assert_eq!(world.event_total().await, 0);
}

async fn a_wrong_key_of_ours_leaves_the_refund_open(world: &World) {
    let wrong = [("GUDOK__TOSS__SECRET_KEY", "test_gsk_of_another_shop_00000000")];
    let (_app, misconfigured) = world.second_service_with(&wrong).await;
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let body = serde_json::json!({"cancelReason": "변심"});
    let reply = misconfigured.post(&format!("/v1/payments/{}/cancel", order.order_id), body).await;
    reply.expect_problem(503, "PG_UNAVAILABLE");
    assert_eq!(refunds(world, &order).await[0]["status"], "PENDING");
    assert_eq!(world.settle().await, 1);
    assert_eq!(cancels_of(world, &order), [9_900]);
    assert_eq!(world.payment(&order).await["status"], "CANCELED");
}

async fn a_cancel_that_staff_made_earlier_does_not_count_as_ours(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let key = world.payment(&order).await["paymentKey"].as_str().expect("a key").to_owned();
    world.toss.console_cancel(&key, Some(3_000), "고객 요청").expect("cancelled");
    world.advance(chrono::Duration::hours(1));
    // The books have not heard of it, and the buyer is promised nothing that Toss has not done.
    let reply = world.refund(&order, Some(3_000)).await;
    assert!(reply.status == 409 || reply.body["refund"]["status"] == "PENDING", "{}", reply.text);
    world.settle().await;
    assert_eq!(world.payment(&order).await["balanceAmount"], 6_900);
    world.refund(&order, Some(3_000)).await.expect(200);
    assert_eq!(world.ledger_of(&order), (1, 3_900));
}

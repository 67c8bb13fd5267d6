//! When nobody can tell what became of a confirmation: 202, and settle finds it out, with the money taken exactly once.

use serde_json::Value;
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation};

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    more_open_outcomes_than_connections_are_found_out_in_one_run,
    a_confirmation_lost_on_the_way_there_is_sent_again,
    a_confirmation_lost_on_the_way_back_is_found,
    a_500_before_anything_happened_is_tried_again,
    a_500_after_the_approval_is_found_out,
    a_proxys_html_page_is_no_answer,
    half_an_answer_is_no_answer,
    too_many_requests_is_no_answer,
    a_passing_fault_with_status_400_is_not_a_no,
    a_code_of_tomorrow_is_not_a_no,
    a_passing_fault_that_ended_the_payment_at_toss_ends_it_here,
    as_long_as_toss_is_silent_nothing_is_decided,
    a_lost_event_purchase_enters_its_amount_once,
    unknown_fields_and_values_break_nothing,
];

/// Confirms into `fault`, settles, and gives how often Toss was asked to confirm.
async fn settled_after(world: &World, fault: Fault) -> usize {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(fault);
    let reply = world.confirm(&order, &key).await;
    let body = reply.expect(202);
    assert_eq!(body["payment"]["status"], "IN_PROGRESS");
    assert_eq!((&body["subscription"], &body["eventAmount"]), (&Value::Null, &Value::Null));
    let retry: u32 = reply.header("retry-after").parse().expect("seconds in Retry-After");
    assert!(retry >= 1);
    // An impatient client that repeats itself is told the same and starts nothing.
    let asked = world.toss.received().len();
    world.confirm(&order, &key).await.expect(202);
    assert_eq!(world.toss.received().len(), asked);
    assert_eq!(world.settle().await, 1);
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert_eq!(world.subscription("u1").await["isActive"], true);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
    let confirms = world.confirms_received(&order);
    // Once it is known, nothing is left to ask, and the client that comes back gets its answer.
    world.advance(chrono::Duration::hours(2));
    assert_eq!(world.run_job("settle-payments").await, 0);
    world.confirm(&order, &key).await.expect(200);
    assert_eq!(world.confirms_received(&order), confirms);
    confirms
}

fn on_confirm(fault: FaultKind) -> Fault {
    Fault::new(Operation::Confirm, fault)
}

async fn a_confirmation_lost_on_the_way_there_is_sent_again(world: &World) {
    assert_eq!(settled_after(world, on_confirm(FaultKind::DropBefore)).await, 2);
    // It may have been under way still: only the same key makes the second sending harmless.
    let keys: Vec<_> = world
        .toss
        .received()
        .into_iter()
        .filter(|call| call.operation == Operation::Confirm)
        .map(|call| call.idempotency_key.expect("a key"))
        .collect();
    assert_eq!(keys[0], keys[1]);
}

async fn a_confirmation_lost_on_the_way_back_is_found(world: &World) {
    assert_eq!(settled_after(world, on_confirm(FaultKind::DropAfter)).await, 1);
}

async fn a_500_before_anything_happened_is_tried_again(world: &World) {
    assert_eq!(settled_after(world, on_confirm(FaultKind::ErrorBefore)).await, 2);
}

async fn a_500_after_the_approval_is_found_out(world: &World) {
    assert_eq!(settled_after(world, on_confirm(FaultKind::ErrorAfter)).await, 1);
}

async fn a_proxys_html_page_is_no_answer(world: &World) {
    assert_eq!(settled_after(world, on_confirm(FaultKind::Html)).await, 1);
}

async fn half_an_answer_is_no_answer(world: &World) {
    assert_eq!(settled_after(world, on_confirm(FaultKind::TruncatedJson)).await, 1);
}

async fn too_many_requests_is_no_answer(world: &World) {
    assert_eq!(settled_after(world, on_confirm(FaultKind::RateLimited)).await, 2);
}

async fn a_passing_fault_with_status_400_is_not_a_no(world: &World) {
    let fault = on_confirm(FaultKind::ErrorBefore).status(400).code("PROVIDER_ERROR");
    assert_eq!(settled_after(world, fault).await, 2);
}

async fn a_code_of_tomorrow_is_not_a_no(world: &World) {
    let fault = on_confirm(FaultKind::ErrorAfter).status(403).code("REJECT_BY_A_RULE_OF_TOMORROW");
    assert_eq!(settled_after(world, fault).await, 1);
}

async fn a_passing_fault_that_ended_the_payment_at_toss_ends_it_here(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let broken = Authenticate::new(order.order_id.clone(), order.amount).card("4000000000000015");
    let key = world.authenticate_with(broken);
    world.confirm(&order, &key).await.expect(202);
    assert_eq!(world.settle().await, 1);
    let payment = world.payment(&order).await;
    assert_eq!(payment["status"], "ABORTED");
    assert_eq!(payment["failure"]["code"], "PROVIDER_ERROR");
    let other = world.authenticate(&order);
    world.confirm(&order, &other).await.expect(200);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn as_long_as_toss_is_silent_nothing_is_decided(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(on_confirm(FaultKind::DropAfter));
    world.toss.inject(Fault::new(Operation::Get, FaultKind::ErrorBefore).times(8));
    world.confirm(&order, &key).await.expect(202);
    for _ in 0..8 {
        // Longer than the longest wait, and far beyond the time in which an approval is possible.
        world.advance(chrono::Duration::hours(2));
        assert_eq!(world.run_job("settle-payments").await, 0);
        assert_eq!(world.payment(&order).await["status"], "IN_PROGRESS");
    }
    assert_eq!(world.calls_received(Operation::Get), 8);
    world.advance(chrono::Duration::hours(2));
    assert_eq!(world.run_job("settle-payments").await, 1);
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert_eq!(world.confirms_received(&order), 1);
}

async fn a_lost_event_purchase_enters_its_amount_once(world: &World) {
    let plan = world.event().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(on_confirm(FaultKind::ErrorAfter));
    world.confirm(&order, &key).await.expect(202);
    assert_eq!(world.event_total().await, 0);
    assert_eq!(world.settle().await, 1);
    let again = world.confirm(&order, &key).await;
    let expected = serde_json::json!({"amount": 5_000, "total": 5_000});
    assert_eq!(again.expect(200)["eventAmount"], expected);
    assert_eq!(world.event_total().await, 5_000);
}

async fn unknown_fields_and_values_break_nothing(world: &World) {
    world.toss.unknown_fields(true);
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    assert_eq!(world.payment(&order).await["paymentMethod"], "삼성");
    let reply = world.refund(&order, Some(3_000)).await;
    assert_eq!(reply.expect(200)["payment"]["balanceAmount"], 6_900);
    world.refund(&order, None).await.expect(200);
    let lost = world.order("u2", &plan).await;
    let key = world.authenticate(&lost);
    world.toss.inject(on_confirm(FaultKind::DropAfter));
    world.confirm(&lost, &key).await.expect(202);
    assert_eq!(world.settle().await, 1);
    assert_eq!(world.payment(&lost).await["status"], "DONE");
}

async fn more_open_outcomes_than_connections_are_found_out_in_one_run(world: &World) {
    let plan = world.basic().await;
    for n in 0..20 {
        let order = world.order(&format!("u{n}"), &plan).await;
        let key = world.authenticate(&order);
        world
            .toss
            .inject(Fault::new(Operation::Confirm, FaultKind::DropAfter).for_order(order.order_id.clone()));
        world.confirm(&order, &key).await.expect(202);
        // An answer in between keeps the circuit closed.
        let other = world.order("other", &plan).await;
        let key = world.authenticate(&other);
        world.confirm(&other, &key).await.expect(200);
    }
    assert_eq!(world.settle().await, 20);
}

//! Giving a part back: the time stays until nothing is left of the money.

use serde_json::json;
use toss_sandbox::Operation;

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_partial_refund_keeps_the_period,
    the_last_part_takes_the_period_back,
    more_than_the_balance_is_refused_before_toss_is_asked,
    a_partial_refund_lowers_the_event_total_by_its_part,
    the_whole_price_as_an_amount_is_a_full_refund,
    no_amount_and_less_is_refused,
];

async fn a_partial_refund_keeps_the_period(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let before = world.subscription("u1").await;
    let reply = world.refund(&order, Some(4_000)).await;
    let body = reply.expect(200);
    assert_eq!((&body["refund"]["status"], &body["refund"]["amount"]), (&"DONE".into(), &4_000.into()));
    assert_eq!(body["payment"]["status"], "PARTIAL_CANCELED");
    assert_eq!(body["payment"]["balanceAmount"], 5_900);
    for member in ["status", "isActive", "startDate", "endDate", "periods", "planId"] {
        assert_eq!(body["subscription"][member], before[member], "{member}");
    }
    assert_eq!(world.ledger_of(&order), (1, 5_900));
}

async fn the_last_part_takes_the_period_back(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    world.refund(&order, Some(4_000)).await.expect(200);
    world.refund(&order, Some(1_900)).await.expect(200);
    let reply = world.refund(&order, None).await;
    let body = reply.expect(200);
    assert_eq!(body["refund"]["amount"], 4_000);
    // Toss keeps the status of a payment that went back in parts; the balance tells that nothing is left.
    assert_eq!(body["payment"]["status"], "PARTIAL_CANCELED");
    assert_eq!(body["payment"]["balanceAmount"], 0);
    assert_eq!(
        (&body["subscription"]["status"], &body["subscription"]["isActive"]),
        (&"CANCELED".into(), &false.into())
    );
    world.refund(&order, None).await.expect_problem(409, "ALREADY_REFUNDED");
    world.refund(&order, Some(1)).await.expect_problem(409, "ALREADY_REFUNDED");
    assert_eq!(world.ledger_of(&order), (1, 0));
    assert_eq!(world.calls_received(Operation::Cancel), 3);
}

async fn more_than_the_balance_is_refused_before_toss_is_asked(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    world.refund(&order, Some(9_901)).await.expect_problem(409, "REFUND_EXCEEDS_BALANCE");
    world.refund(&order, Some(4_000)).await.expect(200);
    world.refund(&order, Some(5_901)).await.expect_problem(409, "REFUND_EXCEEDS_BALANCE");
    assert_eq!(world.calls_received(Operation::Cancel), 1);
    world.refund(&order, Some(5_900)).await.expect(200);
    assert_eq!(world.ledger_of(&order), (1, 0));
}

async fn a_partial_refund_lowers_the_event_total_by_its_part(world: &World) {
    let plan = world.event().await;
    let order = world.buy("u1", &plan).await;
    world.buy("u2", &plan).await;
    let reply = world.refund(&order, Some(1_500)).await;
    assert_eq!(reply.expect(200)["payment"]["status"], "PARTIAL_CANCELED");
    assert_eq!(world.event_total().await, 8_500);
    world.refund(&order, None).await.expect(200);
    assert_eq!(world.event_total().await, 5_000);
}

async fn the_whole_price_as_an_amount_is_a_full_refund(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let reply = world.refund(&order, Some(9_900)).await;
    assert_eq!(reply.expect(200)["payment"]["status"], "CANCELED");
    assert_eq!(reply.body["subscription"]["status"], "CANCELED");
}

async fn no_amount_and_less_is_refused(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let path = format!("/v1/payments/{}/cancel", order.order_id);
    for amount in [json!(0), json!(-1), json!(1.5), json!("100")] {
        let body = json!({"cancelReason": "x", "cancelAmount": amount});
        world.service().post(&path, body).await.expect_problem(400, "INVALID_REQUEST");
    }
    assert_eq!(world.calls_received(Operation::Cancel), 0);
}

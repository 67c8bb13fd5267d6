//! Outcomes that are not known yet: the same key tells how they stand, and never starts them again.

use serde_json::json;
use toss_sandbox::{Fault, FaultKind, Operation};

use super::{assert_repeats, post, replayed};
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    an_open_refund_is_followed_under_its_key_until_it_is_done,
    an_open_refund_that_toss_refuses_in_the_end_is_told_so,
    an_open_confirmation_is_followed_under_its_key_until_it_is_done,
    an_open_confirmation_that_toss_rejects_in_the_end_is_told_so,
    a_confirmation_that_another_has_begun_is_followed_too,
    a_refund_under_a_wrong_key_of_ours_stays_one_refund,
    a_confirmation_under_a_wrong_key_of_ours_stays_one_attempt,
    a_refund_that_waits_for_another_leaves_its_key_free,
];

fn cancel_of(order: &Order) -> String {
    format!("/v1/payments/{}/cancel", order.order_id)
}

async fn an_open_refund_is_followed_under_its_key_until_it_is_done(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let body = json!({"cancelReason": "변심", "cancelAmount": 1_000});
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropAfter));
    let first = post(&world.service(), &cancel_of(&order), &body, "k").await;
    assert_eq!(first.expect(202)["refund"]["status"], "PENDING");
    assert!(!replayed(&first));
    for _ in 0..2 {
        let open = post(&world.service(), &cancel_of(&order), &body, "k").await;
        assert_eq!(open.expect(202)["refund"], first.body["refund"]);
        assert!(replayed(&open) && !open.header("retry-after").is_empty());
    }
    // Who says something else under the key is refused all the same.
    let other = json!({"cancelReason": "변심", "cancelAmount": 2_000});
    let reused = post(&world.service(), &cancel_of(&order), &other, "k").await;
    reused.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(world.settle().await, 1);
    let done = post(&world.service(), &cancel_of(&order), &body, "k").await;
    assert_eq!(done.expect(200)["refund"]["status"], "DONE");
    assert_eq!(done.body["refund"]["id"], first.body["refund"]["id"]);
    assert!(replayed(&done));
    // From now on this is the answer, whatever else becomes of the payment.
    world.refund(&order, None).await.expect(200);
    assert_repeats(&done, &post(&world.service(), &cancel_of(&order), &body, "k").await);
    assert_eq!(world.calls_received(Operation::Cancel), 2);
    assert_eq!(world.ledger_of(&order), (1, 0));
}

async fn an_open_refund_that_toss_refuses_in_the_end_is_told_so(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let body = json!({"cancelReason": "변심"});
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropBefore));
    let no = Fault::new(Operation::Cancel, FaultKind::ErrorBefore).status(403).code("NOT_CANCELABLE_PAYMENT");
    world.toss.inject(no);
    post(&world.service(), &cancel_of(&order), &body, "k").await.expect(202);
    assert_eq!(world.settle().await, 1);
    let refused = post(&world.service(), &cancel_of(&order), &body, "k").await;
    let problem = refused.expect_problem(409, "PAYMENT_NOT_REFUNDABLE");
    assert_eq!(problem["pg"]["code"], "NOT_CANCELABLE_PAYMENT");
    assert!(replayed(&refused));
    // Toss would give it back by now, but the key stands for what was asked for first.
    assert_repeats(&refused, &post(&world.service(), &cancel_of(&order), &body, "k").await);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
    post(&world.service(), &cancel_of(&order), &body, "l").await.expect(200);
    assert_eq!(world.ledger_of(&order), (1, 0));
}

async fn an_open_confirmation_is_followed_under_its_key_until_it_is_done(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let body = order.confirmation(&world.authenticate(&order));
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    post(&world.service(), "/v1/payments/confirm", &body, "k").await.expect(202);
    let open = post(&world.service(), "/v1/payments/confirm", &body, "k").await;
    assert_eq!(open.expect(202)["payment"]["status"], "IN_PROGRESS");
    assert!(replayed(&open) && !open.header("retry-after").is_empty());
    assert_eq!(world.settle().await, 1);
    let done = post(&world.service(), "/v1/payments/confirm", &body, "k").await;
    assert_eq!(done.expect(200)["payment"]["status"], "DONE");
    assert_eq!(done.body["subscription"]["isActive"], true);
    assert!(replayed(&done));
    world.refund(&order, None).await.expect(200);
    assert_repeats(&done, &post(&world.service(), "/v1/payments/confirm", &body, "k").await);
    assert_eq!(world.confirms_received(&order), 1);
}

async fn an_open_confirmation_that_toss_rejects_in_the_end_is_told_so(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let body = order.confirmation(&world.authenticate(&order));
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropBefore));
    post(&world.service(), "/v1/payments/confirm", &body, "k").await.expect(202);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::Reject));
    assert_eq!(world.settle().await, 1);
    let rejected = post(&world.service(), "/v1/payments/confirm", &body, "k").await;
    rejected.expect_problem(402, "PAYMENT_REJECTED");
    assert!(replayed(&rejected));
    let key = world.authenticate(&order);
    world.confirm(&order, &key).await.expect(200);
    assert_repeats(&rejected, &post(&world.service(), "/v1/payments/confirm", &body, "k").await);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn a_confirmation_that_another_has_begun_is_followed_too(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let body = order.confirmation(&world.authenticate(&order));
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    world.service().post("/v1/payments/confirm", body.clone()).await.expect(202);
    let first = post(&world.service(), "/v1/payments/confirm", &body, "k").await;
    first.expect(202);
    assert!(!replayed(&first));
    assert!(replayed(&post(&world.service(), "/v1/payments/confirm", &body, "k").await));
    let other = json!({"paymentKey": "x", "orderId": order.order_id, "amount": 9_900});
    let reused = post(&world.service(), "/v1/payments/confirm", &other, "k").await;
    reused.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(world.settle().await, 1);
    post(&world.service(), "/v1/payments/confirm", &body, "k").await.expect(200);
    assert_eq!(world.confirms_received(&order), 1);
}

/// A service whose key Toss refuses.
const WRONG: [(&str, &str); 1] = [("GUDOK__TOSS__SECRET_KEY", "test_gsk_of_another_shop_00000000")];

async fn a_refund_under_a_wrong_key_of_ours_stays_one_refund(world: &World) {
    let (_app, misconfigured) = world.second_service_with(&WRONG).await;
    let order = world.buy("u1", &world.basic().await).await;
    let body = json!({"cancelReason": "변심", "cancelAmount": 1_000});
    let refused = post(&misconfigured, &cancel_of(&order), &body, "k").await;
    refused.expect_problem(503, "PG_UNAVAILABLE");
    // The 503 is not kept, but the refund that it left open is not asked for again.
    for client in [&misconfigured, &world.admin()] {
        let open = post(client, &cancel_of(&order), &body, "k").await;
        assert_eq!(open.expect(202)["refund"]["status"], "PENDING");
        assert!(replayed(&open));
    }
    assert_eq!(world.settle().await, 1);
    let done = post(&world.admin(), &cancel_of(&order), &body, "k").await;
    assert_eq!(done.expect(200)["refund"]["status"], "DONE");
    assert_repeats(&done, &post(&misconfigured, &cancel_of(&order), &body, "k").await);
    assert_eq!(world.ledger_of(&order), (1, 8_900));
    let refunds = world.admin().get("/v1/refunds").await.body["items"].as_array().map(Vec::len);
    assert_eq!(refunds, Some(1));
}

async fn a_confirmation_under_a_wrong_key_of_ours_stays_one_attempt(world: &World) {
    let (_app, misconfigured) = world.second_service_with(&WRONG).await;
    let order = world.order("u1", &world.basic().await).await;
    let body = order.confirmation(&world.authenticate(&order));
    let refused = post(&misconfigured, "/v1/payments/confirm", &body, "k").await;
    refused.expect_problem(503, "PG_UNAVAILABLE");
    let open = post(&world.admin(), "/v1/payments/confirm", &body, "k").await;
    assert_eq!(open.expect(202)["payment"]["status"], "IN_PROGRESS");
    assert_eq!(world.settle().await, 1);
    let done = post(&world.admin(), "/v1/payments/confirm", &body, "k").await;
    assert_eq!(done.expect(200)["payment"]["status"], "DONE");
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn a_refund_that_waits_for_another_leaves_its_key_free(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let body = json!({"cancelReason": "변심", "cancelAmount": 1_000});
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropBefore));
    world.refund(&order, Some(2_000)).await.expect(202);
    for _ in 0..2 {
        let busy = post(&world.service(), &cancel_of(&order), &body, "k").await;
        busy.expect_problem(409, "REQUEST_IN_PROGRESS");
        assert_eq!((busy.header("retry-after"), replayed(&busy)), ("1", false));
    }
    assert_eq!(world.settle().await, 1);
    let done = post(&world.service(), &cancel_of(&order), &body, "k").await;
    done.expect(200);
    assert!(!replayed(&done));
    assert_eq!(world.ledger_of(&order), (1, 6_900));
}

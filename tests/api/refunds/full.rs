//! Giving everything back: the money, the time and the event amount, once.

use serde_json::json;
use toss_sandbox::{Fault, FaultKind, Operation};

use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    a_full_refund_takes_the_subscription_back,
    a_full_refund_lowers_the_event_total,
    what_is_refunded_cannot_be_refunded_again,
    what_was_never_paid_cannot_be_refunded,
    an_unknown_or_foreign_payment_cannot_be_refunded,
    the_buyer_may_ask_for_the_money_back,
    refunds_are_listed_by_order_and_by_user,
    a_reason_that_looks_like_an_escape_is_only_a_reason,
];

async fn a_full_refund_takes_the_subscription_back(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let reply = world.refund(&order, None).await;
    let body = reply.expect(200);
    assert_eq!((&body["refund"]["status"], &body["refund"]["amount"]), (&"DONE".into(), &9_900.into()));
    assert_eq!(body["refund"]["reason"], "변심");
    assert!(body["refund"]["refundedAt"].is_string());
    assert_eq!(
        (&body["payment"]["status"], &body["payment"]["balanceAmount"]),
        (&"CANCELED".into(), &0.into())
    );
    assert_eq!(body["subscription"]["status"], "CANCELED");
    assert_eq!(body["subscription"]["isActive"], false);
    assert_eq!(body["subscription"]["periods"], serde_json::json!([]));
    assert_eq!(world.subscription("u1").await, body["subscription"]);
    assert_eq!(world.payment(&order).await, body["payment"]);
    assert_eq!(world.ledger_of(&order), (1, 0));
    // Who comes back gets a fresh month, not a dead subscription.
    world.buy("u1", &plan).await;
    let again = world.subscription("u1").await;
    assert_eq!((&again["status"], &again["isActive"]), (&"ACTIVE".into(), &true.into()));
    assert_eq!(again["id"], body["subscription"]["id"], "one subscription per user");
}

async fn a_full_refund_lowers_the_event_total(world: &World) {
    let plan = world.event().await;
    let (kept, returned) = (world.buy("u1", &plan).await, world.buy("u2", &plan).await);
    assert_eq!(world.event_total().await, 10_000);
    let reply = world.refund(&returned, None).await;
    assert_eq!(reply.expect(200)["payment"]["status"], "CANCELED");
    assert!(reply.body["subscription"].is_null());
    assert_eq!(world.event_total().await, 5_000);
    let entries = world.admin().get("/v1/event-amounts").await;
    let amounts: Vec<_> = entries.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["orderId"].as_str().unwrap(), entry["amount"].as_i64().unwrap()))
        .collect();
    let (kept, returned) = (kept.order_id.as_str(), returned.order_id.as_str());
    assert_eq!(amounts, [(returned, -5_000), (returned, 5_000), (kept, 5_000)]);
}

async fn what_is_refunded_cannot_be_refunded_again(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    world.refund(&order, None).await.expect(200);
    for amount in [None, Some(1), Some(9_900)] {
        world.refund(&order, amount).await.expect_problem(409, "ALREADY_REFUNDED");
    }
    assert_eq!(world.calls_received(Operation::Cancel), 1);
}

async fn what_was_never_paid_cannot_be_refunded(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    // Only quoted: there is no payment yet.
    world.refund(&order, None).await.expect_problem(404, "PAYMENT_NOT_FOUND");
    let key = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::Reject));
    world.confirm(&order, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    world.refund(&order, None).await.expect_problem(409, "PAYMENT_NOT_REFUNDABLE");
    let key = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    world.confirm(&order, &key).await.expect(202);
    // Toss has the money already, but nobody here can know.
    world.refund(&order, None).await.expect_problem(409, "PAYMENT_NOT_REFUNDABLE");
    assert_eq!(world.calls_received(Operation::Cancel), 0);
    world.settle().await;
    world.refund(&order, None).await.expect(200);
    assert_eq!(world.ledger_of(&order), (1, 0));
}

async fn an_unknown_or_foreign_payment_cannot_be_refunded(world: &World) {
    let unknown = Order { order_id: "order-nobody-quoted".to_owned(), amount: 9_900 };
    world.refund(&unknown, None).await.expect_problem(404, "PAYMENT_NOT_FOUND");
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let path = format!("/v1/payments/{}/cancel", order.order_id);
    let foreign = world.user("u2").post(&path, serde_json::json!({"cancelReason": "x"})).await;
    foreign.expect_problem(404, "PAYMENT_NOT_FOUND");
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn the_buyer_may_ask_for_the_money_back(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let path = format!("/v1/payments/{}/cancel", order.order_id);
    let reply = world.user("u1").post(&path, serde_json::json!({"cancelReason": "변심"})).await;
    assert_eq!(reply.expect(200)["payment"]["status"], "CANCELED");
    assert_eq!(world.ledger_of(&order), (1, 0));
}

async fn refunds_are_listed_by_order_and_by_user(world: &World) {
    let plan = world.basic().await;
    let (first, second, foreign) =
        (world.buy("u1", &plan).await, world.buy("u1", &plan).await, world.buy("u2", &plan).await);
    for order in [&first, &second, &foreign] {
        world.refund(order, Some(1_000)).await.expect(200);
    }
    let admin = world.admin();
    let by = async |query: String| {
        let reply = admin.get(&format!("/v1/refunds?{query}")).await;
        let items = reply.expect(200)["items"].as_array().expect("items").clone();
        items.iter().map(|item| item["orderId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(by(format!("orderId={}", second.order_id)).await, std::slice::from_ref(&second.order_id));
    assert_eq!(by("userId=u1".to_owned()).await, [second.order_id.clone(), first.order_id.clone()]);
    let all = [&foreign, &second, &first].map(|order| order.order_id.clone());
    assert_eq!(by(String::new()).await, all);
    let own = world.user("u2").get("/v1/refunds").await;
    assert_eq!(own.expect(200)["items"].as_array().map(Vec::len), Some(1));
}

async fn a_reason_that_looks_like_an_escape_is_only_a_reason(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    // Six characters that would be one NUL if anybody took the text for JSON.
    let body = json!({"cancelReason": "\\u0000"});
    let reply = world.service().post(&format!("/v1/payments/{}/cancel", order.order_id), body).await;
    assert_eq!(reply.expect(200)["refund"]["status"], "DONE");
    assert_eq!(reply.body["refund"]["reason"], "\\u0000");
    assert_eq!(world.ledger_of(&order), (1, 0));
}

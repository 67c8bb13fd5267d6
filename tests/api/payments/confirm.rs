//! Confirming: charged once and recorded whole; whatever is wrong with an order is found before Toss is asked.

use chrono::Duration;
use gudok::payments::{Confirm, ConfirmError, Confirmed};
use serde_json::json;
use toss_sandbox::{Fault, FaultKind, Operation};

use crate::support::scenario::scenarios;
use crate::support::world::{Order, World, instant};

scenarios![
    an_approved_payment_gives_a_month,
    a_lost_answer_is_settled_by_asking,
    repeating_a_success_gives_the_same_answer_without_asking_toss,
    another_amount_is_refused_before_toss_is_asked,
    an_unknown_order_is_refused_before_toss_is_asked,
    another_users_order_reads_as_unknown,
    an_expired_order_is_refused_before_toss_is_asked,
    an_order_can_be_paid_until_the_microsecond_before_it_expires,
    a_payment_key_of_another_order_is_refused,
    another_key_is_refused_once_the_order_is_paid,
    another_key_is_refused_while_the_first_is_open,
    a_price_change_does_not_touch_what_is_quoted,
];

async fn an_approved_payment_gives_a_month(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let reply = world.confirm(&order, &key).await;
    let body = reply.expect(200);
    assert_eq!(body["payment"]["status"], "DONE");
    assert_eq!(body["payment"]["balanceAmount"], 9_900);
    assert_eq!(body["payment"]["paymentKey"], key);
    assert!(body["payment"]["failure"].is_null());
    assert_eq!(body["subscription"]["isActive"], true);
    assert_eq!(body["subscription"]["periods"].as_array().map(Vec::len), Some(1));
    assert!(body["eventAmount"].is_null());
    assert_eq!(world.ledger_of(&order), (1, 9_900));
    world
        .service()
        .get(&format!("/v1/temp-orders/{}", order.order_id))
        .await
        .expect_problem(404, "ORDER_NOT_FOUND");
}

async fn a_lost_answer_is_settled_by_asking(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    let reply = world.confirm(&order, &key).await;
    assert_eq!(reply.expect(202)["payment"]["status"], "IN_PROGRESS");
    assert_eq!(world.settle().await, 1);
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert_eq!(world.confirms_received(&order), 1);
}

async fn repeating_a_success_gives_the_same_answer_without_asking_toss(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let first = world.confirm(&order, &key).await;
    world.advance(Duration::hours(1));
    let asked = world.toss.received().len();
    let second = world.confirm(&order, &key).await;
    assert_eq!(second.expect(200), first.expect(200));
    assert_eq!(world.toss.received().len(), asked);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn another_amount_is_refused_before_toss_is_asked(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    for amount in [0, 1, 9_899, 9_901, 99_000] {
        let wrong = Order { amount, ..order.clone() };
        world.confirm(&wrong, &key).await.expect_problem(400, "AMOUNT_MISMATCH");
    }
    assert_eq!(world.toss.received(), []);
    // The refusals have cost the buyer nothing, and after the payment the amount still counts.
    world.confirm(&order, &key).await.expect(200);
    let wrong = Order { amount: 9_901, ..order.clone() };
    world.confirm(&wrong, &key).await.expect_problem(400, "AMOUNT_MISMATCH");
    assert_eq!(world.confirms_received(&order), 1);
}

async fn an_unknown_order_is_refused_before_toss_is_asked(world: &World) {
    let stranger = Order { order_id: "order-nobody-quoted".to_owned(), amount: 9_900 };
    // Toss knows the order: money could be taken if we asked.
    let key = world.authenticate(&stranger);
    world.confirm(&stranger, &key).await.expect_problem(404, "ORDER_NOT_FOUND");
    assert_eq!(world.toss.received(), []);
}

async fn another_users_order_reads_as_unknown(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let body = order.confirmation(&key);
    let thief = world.user("u2").post("/v1/payments/confirm", body.clone()).await;
    thief.expect_problem(404, "ORDER_NOT_FOUND");
    assert_eq!(world.toss.received(), []);
    world.user("u1").post("/v1/payments/confirm", body.clone()).await.expect(200);
    let thief = world.user("u2").post("/v1/payments/confirm", body).await;
    thief.expect_problem(404, "ORDER_NOT_FOUND");
}

async fn an_expired_order_is_refused_before_toss_is_asked(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    world.advance(Duration::minutes(30));
    let key = world.authenticate(&order);
    world.confirm(&order, &key).await.expect_problem(410, "ORDER_EXPIRED");
    assert_eq!(world.toss.received(), []);
}

async fn an_order_can_be_paid_until_the_microsecond_before_it_expires(world: &World) {
    let plan = world.basic().await;
    let quoted = world
        .service()
        .post("/v1/temp-orders", json!({"planId": plan, "userId": "u1"}))
        .await
        .expect(201)
        .clone();
    let expires_at = instant(&quoted["expiresAt"]);
    let order = Order { order_id: quoted["orderId"].as_str().unwrap().to_owned(), amount: 9_900 };
    let command = Confirm {
        owner: None,
        payment_key: world.authenticate(&order).parse().unwrap(),
        order_id: order.order_id.parse().unwrap(),
        amount: entity::Won::new(order.amount).unwrap(),
        claim: None,
    };
    // A clock that runs cannot be caught at an exact instant, so the operation is given one.
    let late = gudok::payments::confirm(&world.app, command.clone(), expires_at).await;
    assert!(matches!(late, Err(ConfirmError::OrderExpired)), "{late:?}");
    assert_eq!(world.toss.received(), []);
    let last = expires_at - Duration::microseconds(1);
    let paid = gudok::payments::confirm(&world.app, command, last).await;
    assert!(matches!(paid, Ok(Confirmed::Recorded(_))), "{paid:?}");
}

async fn a_payment_key_of_another_order_is_refused(world: &World) {
    let plan = world.basic().await;
    let (paid, open, fresh) =
        (world.order("u1", &plan).await, world.order("u2", &plan).await, world.order("u3", &plan).await);
    let (paid_key, open_key) = (world.authenticate(&paid), world.authenticate(&open));
    world.confirm(&paid, &paid_key).await.expect(200);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    world.confirm(&open, &open_key).await.expect(202);
    for key in [&paid_key, &open_key] {
        world.confirm(&fresh, key).await.expect_problem(409, "PAYMENT_KEY_CONFLICT");
    }
    assert_eq!(world.confirms_received(&fresh), 0);
    let own = world.authenticate(&fresh);
    world.confirm(&fresh, &own).await.expect(200);
    world.settle().await;
    assert_eq!(world.payment(&open).await["status"], "DONE");
}

async fn another_key_is_refused_once_the_order_is_paid(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let other = world.authenticate(&order);
    world.confirm(&order, &other).await.expect_problem(409, "PAYMENT_KEY_CONFLICT");
    world.refund(&order, None).await.expect(200);
    world.confirm(&order, &other).await.expect_problem(409, "PAYMENT_KEY_CONFLICT");
    assert_eq!(world.confirms_received(&order), 1);
}

async fn another_key_is_refused_while_the_first_is_open(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let (first, other) = (world.authenticate(&order), world.authenticate(&order));
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropBefore));
    world.confirm(&order, &first).await.expect(202);
    world.confirm(&order, &other).await.expect_problem(409, "PAYMENT_KEY_CONFLICT");
    assert_eq!(world.confirms_received(&order), 1);
    assert_eq!(world.settle().await, 1);
    assert_eq!(world.payment(&order).await["paymentKey"], first);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn a_price_change_does_not_touch_what_is_quoted(world: &World) {
    let plan = world.basic().await;
    let quoted = world.order("u1", &plan).await;
    let change = json!({"price": 12_000, "intervalMonths": 2});
    world.admin().patch(&format!("/v1/plans/{plan}"), change).await.expect(200);
    let key = world.authenticate(&quoted);
    let reply = world.confirm(&quoted, &key).await;
    assert_eq!(reply.expect(200)["payment"]["amount"], 9_900);
    let period = &reply.body["subscription"]["periods"][0];
    let length = instant(&period["endsAt"]) - instant(&period["startsAt"]);
    assert!(length <= Duration::days(31), "one month was quoted: {length}");
    assert_eq!(world.order("u2", &plan).await.amount, 12_000);
}

//! Amounts are whole, positive and exact; anything else is refused by name before it touches the books.

use serde_json::{Value, json};

use super::rows::rows;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_price_that_is_no_amount_is_refused_by_name,
    an_amount_that_is_no_amount_is_refused_before_toss_is_asked,
    a_refund_amount_that_is_no_amount_is_refused_by_name,
    the_largest_exact_price_can_be_quoted,
    a_number_beyond_any_float_is_refused_by_name,
];

/// What is never an amount, as JSON text: no Rust type holds some of it.
const NO_AMOUNT: [&str; 14] = [
    "9900.0",
    "9900.5",
    "1e3",
    "-1",
    "-0.0",
    "9007199254740992",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "92233720368547758070",
    "\"9900\"",
    "true",
    "[9900]",
    "{\"won\":9900}",
];

/// `body` with the text `amount` in place of the string `AMOUNT`.
fn with_amount(body: &Value, amount: &str) -> String {
    body.to_string().replace("\"AMOUNT\"", amount)
}

async fn a_price_that_is_no_amount_is_refused_by_name(world: &World) {
    let before = rows(world).await;
    let body = json!({"code": "X", "name": "x", "type": "BASIC", "price": "AMOUNT", "intervalMonths": 1});
    for amount in NO_AMOUNT.into_iter().chain(["null", "0", "99"]) {
        let reply = world.admin().send_json("POST", "/v1/plans", with_amount(&body, amount)).await;
        refused(&reply, "price", amount);
    }
    assert_eq!(rows(world).await, before);
    let plan = world.basic().await;
    let path = format!("/v1/plans/{plan}");
    for amount in NO_AMOUNT.into_iter().chain(["0", "99"]) {
        let body = with_amount(&json!({"price": "AMOUNT"}), amount);
        refused(&world.admin().send_json("PATCH", &path, body).await, "price", amount);
    }
    assert_eq!(world.stranger().get(&path).await.expect(200)["price"], 9_900);
}

async fn an_amount_that_is_no_amount_is_refused_before_toss_is_asked(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let key = world.authenticate(&order);
    let before = rows(world).await;
    let body = json!({"paymentKey": key, "orderId": order.order_id, "amount": "AMOUNT"});
    for amount in NO_AMOUNT.into_iter().chain(["null"]) {
        let reply =
            world.service().send_json("POST", "/v1/payments/confirm", with_amount(&body, amount)).await;
        refused(&reply, "amount", amount);
    }
    for amount in ["0", "9899", "9901", "9007199254740991"] {
        let reply =
            world.service().send_json("POST", "/v1/payments/confirm", with_amount(&body, amount)).await;
        reply.expect_problem(400, "AMOUNT_MISMATCH");
    }
    assert_eq!(rows(world).await, before);
    assert_eq!(world.confirms_received(&order), 0);
}

async fn a_refund_amount_that_is_no_amount_is_refused_by_name(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let before = rows(world).await;
    let path = format!("/v1/payments/{}/cancel", order.order_id);
    let body = json!({"cancelReason": "변심", "cancelAmount": "AMOUNT"});
    for amount in NO_AMOUNT.into_iter().chain(["0"]) {
        let reply = world.service().send_json("POST", &path, with_amount(&body, amount)).await;
        refused(&reply, "cancelAmount", amount);
    }
    assert_eq!(rows(world).await, before);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn the_largest_exact_price_can_be_quoted(world: &World) {
    let plan = world.plan("MOST", "BASIC", 9_007_199_254_740_991, Some(1)).await;
    assert_eq!(world.order("u1", &plan).await.amount, 9_007_199_254_740_991);
}

/// It is a JSON number like any other, so the field is at fault, not the whole body.
async fn a_number_beyond_any_float_is_refused_by_name(world: &World) {
    let body = r#"{"paymentKey":"key","orderId":"order-0001","amount":1e400}"#;
    world.service().send_json("POST", "/v1/payments/confirm", body).await.expect_field("amount");
}

#[track_caller]
fn refused(reply: &crate::support::client::Reply, field: &str, amount: &str) {
    assert_eq!(reply.status, 400, "{amount}: {}", reply.text);
    reply.expect_field(field);
}

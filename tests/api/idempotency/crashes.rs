//! A process that dies between the effect and its answer: the same key finds what was made and makes it no second time.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use toss_sandbox::LedgerKind;

use super::{LEASE, assert_repeats, keys, post, replayed};
use crate::contract::rows::rows;
use crate::support::client::{Reply, SERVICE_KEY};
use crate::support::process::{Serving, eventually};
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    a_refund_survives_a_crash_at_every_point,
    a_confirmation_survives_a_crash_at_every_point,
    the_restarted_process_tells_what_became_of_the_refund,
    an_answer_that_was_never_kept_is_found_by_what_was_made,
    a_quote_that_was_purged_before_anybody_heard_of_it_has_expired,
];

fn cancel_of(order: &Order) -> String {
    format!("/v1/payments/{}/cancel", order.order_id)
}

/// Posts to a process that dies at `point`.
async fn post_to_the_dying(world: &World, point: &str, path: &str, body: &Value, key: &str) {
    let mut variables = world.variables.clone();
    variables.insert(gudok::crash::VARIABLE.to_owned(), point.to_owned());
    let mut serving = Serving::start(&variables).await;
    let request = serving.client(Some(SERVICE_KEY)).request("POST", path).header("idempotency-key", key);
    let request = request.header("content-type", "application/json").body(body.to_string());
    request.send().await.expect_err("nobody answers");
    assert_eq!(serving.ended().await, None, "{point}: it ended by itself");
}

/// Asserts that the dead process is believed to be at work, for as long as it is.
async fn left_alone(world: &World, path: &str, body: &Value, key: &str) {
    let row = keys(world).await.into_iter().find(|row| row.key == key).expect("a claim");
    let reply = post(&world.service(), path, body, key).await;
    if world.app.clock.now() < row.lease_until {
        reply.expect_problem(409, "REQUEST_IN_PROGRESS");
    }
}

/// Lets the dead processes' leases end, retries, lets settle do its work, and gives the last answers.
async fn retried(world: &World, requests: &[(String, String, Value)]) -> Vec<Reply> {
    world.advance(LEASE);
    for (key, path, body) in requests {
        let reply = post(&world.service(), path, body, key).await;
        assert!([200, 202].contains(&reply.status), "{key}: {}", reply.text);
    }
    // As long as the dead process's request to Toss could take, it is left alone.
    world.advance(chrono::Duration::minutes(3));
    world.run_job("settle-payments").await;
    let mut replies = Vec::new();
    for (key, path, body) in requests {
        replies.push(post(&world.service(), path, body, key).await);
    }
    replies
}

async fn a_refund_survives_a_crash_at_every_point(world: &World) {
    let plan = world.basic().await;
    let points =
        ["reserve-written", "reserved", "cancel-send", "cancel-answered", "truth-written", "truth-recorded"];
    let (mut orders, mut requests) = (Vec::new(), Vec::new());
    for point in points {
        let order = world.buy("u1", &plan).await;
        let (path, body) = (cancel_of(&order), json!({"cancelReason": "변심", "cancelAmount": 1_000}));
        post_to_the_dying(world, point, &path, &body, point).await;
        left_alone(world, &path, &body, point).await;
        let refunds = refunds_of(world, &order).await;
        assert_eq!(refunds.len(), usize::from(point != "reserve-written"), "{point}");
        orders.push((order, refunds));
        requests.push((point.to_owned(), path, body));
    }
    let replies = retried(world, &requests).await;
    for ((reply, (order, before)), (point, path, body)) in replies.iter().zip(&orders).zip(&requests) {
        let refund = &reply.expect(200)["refund"];
        assert_eq!(refund["status"], "DONE", "{point}");
        assert!(before.iter().all(|known| known["id"] == refund["id"]), "{point}: another refund");
        assert_repeats(reply, &post(&world.service(), path, body, point).await);
        assert_eq!(refunds_of(world, order).await.len(), 1, "{point}");
        let ledger = world.toss.ledger().into_iter().filter(|entry| entry.kind == LedgerKind::Cancel);
        assert_eq!(ledger.filter(|entry| entry.order_id == order.order_id).count(), 1, "{point}");
        assert_eq!(world.ledger_of(order), (1, 8_900), "{point}");
    }
}

async fn refunds_of(world: &World, order: &Order) -> Vec<Value> {
    let reply = world.admin().get(&format!("/v1/refunds?orderId={}", order.order_id)).await;
    reply.expect(200)["items"].as_array().expect("items").clone()
}

async fn a_confirmation_survives_a_crash_at_every_point(world: &World) {
    let plan = world.basic().await;
    let points =
        ["claim-written", "claimed", "confirm-send", "confirm-answered", "truth-written", "truth-recorded"];
    let (mut orders, mut requests) = (Vec::new(), Vec::new());
    for point in points {
        let order = world.order("u1", &plan).await;
        let (path, body) =
            ("/v1/payments/confirm".to_owned(), order.confirmation(&world.authenticate(&order)));
        post_to_the_dying(world, point, &path, &body, point).await;
        left_alone(world, &path, &body, point).await;
        orders.push(order);
        requests.push((point.to_owned(), path, body));
    }
    let replies = retried(world, &requests).await;
    for ((reply, order), (point, path, body)) in replies.iter().zip(&orders).zip(&requests) {
        assert_eq!(reply.expect(200)["payment"]["status"], "DONE", "{point}");
        assert_repeats(reply, &post(&world.service(), path, body, point).await);
        assert_eq!(world.ledger_of(order), (1, 9_900), "{point}");
    }
}

async fn the_restarted_process_tells_what_became_of_the_refund(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let (path, body) = (cancel_of(&order), json!({"cancelReason": "변심", "cancelAmount": 1_000}));
    post_to_the_dying(world, "truth-recorded", &path, &body, "k").await;
    let serving = Serving::start(&world.variables).await;
    let client = serving.client(Some(SERVICE_KEY));
    let reply = eventually("the dead process's lease ends", async || {
        let reply = post(&client, &path, &body, "k").await;
        (reply.code() != "REQUEST_IN_PROGRESS").then_some(reply)
    })
    .await;
    assert_eq!(reply.expect(200)["refund"]["status"], "DONE");
    assert!(replayed(&reply));
    assert_repeats(&reply, &post(&client, &path, &body, "k").await);
    assert_eq!(world.ledger_of(&order), (1, 8_900));
}

/// Leaves the keys as a process does that died after the effect and before its answer was kept.
async fn forget_answers(world: &World) {
    let forget =
        "UPDATE idempotency_key SET response_status = NULL, response_headers = NULL, response_body = NULL";
    world.app.db.read().execute_unprepared(forget).await.expect("forgotten");
}

async fn an_answer_that_was_never_kept_is_found_by_what_was_made(world: &World) {
    let (plan, admin) = (world.basic().await, world.admin());
    let (failed, paid) = (world.order("u1", &plan).await, world.order("u1", &plan).await);
    let key = world.authenticate(&paid);
    let new = json!({"code": "NEW", "name": "new", "type": "BASIC", "price": 9_900, "intervalMonths": 1});
    let failure = json!({"orderId": failed.order_id, "code": "PAY_PROCESS_CANCELED", "message": "취소"});
    let posts = [
        ("/v1/plans".to_owned(), new),
        ("/v1/temp-orders".to_owned(), json!({"planId": plan, "userId": "u1"})),
        ("/v1/payments/confirm".to_owned(), paid.confirmation(&key)),
        ("/v1/payments/fail".to_owned(), failure),
        (cancel_of(&paid), json!({"cancelReason": "변심", "cancelAmount": 1_000})),
        ("/v1/jobs/expire-subscriptions/run".to_owned(), json!({})),
    ];
    for (path, body) in &posts {
        let first = post(&admin, path, body, path).await;
        let (before, asked) = (rows(world).await, world.toss.received().len());
        forget_answers(world).await;
        world.advance(LEASE);
        let found = post(&admin, path, body, path).await;
        // Nothing has changed since, so that the answer is the same.
        assert_repeats(&first, &found);
        assert_repeats(&found, &post(&admin, path, body, path).await);
        assert_eq!((rows(world).await, world.toss.received().len()), (before, asked), "{path}");
    }
    assert_eq!(keys(world).await.len(), posts.len());
}

async fn a_quote_that_was_purged_before_anybody_heard_of_it_has_expired(world: &World) {
    let body = json!({"planId": world.basic().await, "userId": "u1"});
    post(&world.service(), "/v1/temp-orders", &body, "k").await.expect(201);
    forget_answers(world).await;
    world.advance(chrono::Duration::minutes(31));
    assert_eq!(world.run_job("purge-temp-orders").await, 1);
    let gone = post(&world.service(), "/v1/temp-orders", &body, "k").await;
    gone.expect_problem(410, "ORDER_EXPIRED");
    assert_repeats(&gone, &post(&world.service(), "/v1/temp-orders", &body, "k").await);
    post(&world.service(), "/v1/temp-orders", &body, "l").await.expect(201);
}

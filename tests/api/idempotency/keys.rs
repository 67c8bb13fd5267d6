//! What a key is, whose it is, for which request, for how long, and what is kept of it.

use chrono::Duration;
use entity::temp_order;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;

use super::{assert_repeats, keys, post, replayed};
use crate::support::client::{ADMIN_KEY, send};
use crate::support::raw;
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    another_request_under_the_same_key_is_refused,
    one_callers_key_is_not_anothers,
    a_key_that_is_none_is_refused_by_name,
    a_key_of_any_printable_characters_is_taken,
    only_posts_look_at_keys,
    a_body_that_never_ends_claims_no_key,
    a_day_later_the_key_is_new,
    keys_that_have_expired_are_purged,
    no_request_is_kept_but_its_digest,
];

async fn another_request_under_the_same_key_is_refused(world: &World) {
    let (service, plan) = (world.service(), world.basic().await);
    let (order, other) = (world.buy("u1", &plan).await, world.buy("u1", &plan).await);
    let body = json!({"planId": plan, "userId": "u1"});
    let first = post(&service, "/v1/temp-orders", &body, "k").await;
    first.expect(201);
    // Another body, be it only by a blank; another path; another order.
    let reused = post(&service, "/v1/temp-orders", &json!({"planId": plan, "userId": "u2"}), "k").await;
    reused.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert!(!replayed(&reused));
    let spaced = service.request("POST", "/v1/temp-orders").header("idempotency-key", "k");
    let spaced = spaced.header("content-type", "application/json").body(format!(" {body}"));
    send(spaced).await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    post(&service, "/v1/payments/fail", &body, "k").await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert_repeats(&first, &post(&service, "/v1/temp-orders", &body, "k").await);
    let wish = json!({"cancelReason": "변심", "cancelAmount": 1_000});
    let cancel = |order: &Order| format!("/v1/payments/{}/cancel", order.order_id);
    post(&service, &cancel(&order), &wish, "l").await.expect(200);
    let elsewhere = post(&service, &cancel(&other), &wish, "l").await;
    elsewhere.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    let more = json!({"cancelReason": "변심", "cancelAmount": 2_000});
    post(&service, &cancel(&order), &more, "l").await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!((world.ledger_of(&order), world.ledger_of(&other)), ((1, 8_900), (1, 9_900)));
}

async fn one_callers_key_is_not_anothers(world: &World) {
    let body = json!({"planId": world.basic().await, "userId": "u1"});
    let own = json!({"planId": body["planId"]});
    let mut orders = Vec::new();
    for (caller, body) in [
        (world.user("u1"), &own),
        (world.user("u2"), &own),
        (world.service(), &body),
        (world.admin(), &body),
        // Users who would like to be a role.
        (world.user("service"), &own),
        (world.user("admin"), &own),
    ] {
        let first = post(&caller, "/v1/temp-orders", body, "k").await;
        first.expect(201);
        assert!(!replayed(&first), "{}", first.text);
        orders.push(first.body["orderId"].clone());
    }
    // A user is the same with another token.
    world.advance(Duration::seconds(2));
    let again = post(&world.user("u2"), "/v1/temp-orders", &own, "k").await;
    assert!(replayed(&again));
    assert_eq!(again.body["orderId"], orders[1]);
    orders.sort_by_key(ToString::to_string);
    orders.dedup();
    assert_eq!(orders.len(), 6);
}

async fn a_key_that_is_none_is_refused_by_name(world: &World) {
    let body = json!({"planId": world.basic().await, "userId": "u1"});
    let long = "k".repeat(256);
    for key in [&b""[..], long.as_bytes(), "열쇠".as_bytes(), b"a\tb", b"a\xff"] {
        let key = reqwest::header::HeaderValue::from_bytes(key).expect("a header's value");
        let request = world.service().request("POST", "/v1/temp-orders").header("idempotency-key", key);
        let request = request.header("content-type", "application/json").body(body.to_string());
        send(request).await.expect_field("Idempotency-Key");
    }
    let twice = world.service().request("POST", "/v1/temp-orders").header("idempotency-key", "a");
    let twice = twice.header("idempotency-key", "a").header("content-type", "application/json");
    send(twice.body(body.to_string())).await.expect_field("Idempotency-Key");
    assert!(keys(world).await.is_empty());
    let orders = temp_order::Entity::find().count(world.app.db.read()).await.expect("a count");
    assert_eq!(orders, 0);
}

async fn a_key_of_any_printable_characters_is_taken(world: &World) {
    let body = json!({"planId": world.basic().await, "userId": "u1"});
    let printable: String = ('!'..='~').collect();
    let long = "k".repeat(255);
    for key in ["k", "8e03978e-40d5-43e8-bc93-6894a57f9324", "a b", &printable, &long, "' OR 1=1 --"] {
        let first = post(&world.service(), "/v1/temp-orders", &body, key).await;
        first.expect(201);
        assert!(!replayed(&first), "{key}");
        assert_repeats(&first, &post(&world.service(), "/v1/temp-orders", &body, key).await);
    }
    // Capitals count.
    assert!(!replayed(&post(&world.service(), "/v1/temp-orders", &body, "K").await));
}

async fn only_posts_look_at_keys(world: &World) {
    let plan = world.basic().await;
    let (admin, path) = (world.admin(), format!("/v1/plans/{plan}"));
    for key in ["k", ""] {
        for (method, body) in [("GET", None), ("PATCH", Some(json!({"name": "다른 이름"})))] {
            for _ in 0..2 {
                let mut request = admin.request(method, &path).header("idempotency-key", key);
                if let Some(body) = &body {
                    request = request.header("content-type", "application/json").body(body.to_string());
                }
                let reply = send(request).await;
                reply.expect(200);
                assert!(!replayed(&reply));
            }
        }
        // Where there is nothing to post to, nothing is claimed.
        post(&admin, "/v1/nothing", &json!({}), key).await.expect_problem(404, "NOT_FOUND");
        post(&admin, &path, &json!({}), key).await.expect_problem(405, "METHOD_NOT_ALLOWED");
    }
    assert!(keys(world).await.is_empty());
}

async fn a_body_that_never_ends_claims_no_key(world: &World) {
    let length = (3 * 1024 * 1024).to_string();
    let json = ("Content-Type", "application/json");
    let key = ("Idempotency-Key", "k");
    let announced = raw::head("POST", "/v1/plans", ADMIN_KEY, &[json, key, ("Content-Length", &length)]);
    raw::exchange(&world.base, &announced).await.expect_problem(413, "PAYLOAD_TOO_LARGE");
    let mut chunks =
        raw::head("POST", "/v1/plans", ADMIN_KEY, &[json, key, ("Transfer-Encoding", "chunked")]);
    for _ in 0..65 {
        chunks.extend_from_slice(b"400\r\n");
        chunks.extend_from_slice(&[b' '; 1024]);
        chunks.extend_from_slice(b"\r\n");
    }
    raw::exchange(&world.base, &chunks).await.expect_problem(413, "PAYLOAD_TOO_LARGE");
    assert!(keys(world).await.is_empty());
}

async fn a_day_later_the_key_is_new(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let path = format!("/v1/payments/{}/cancel", order.order_id);
    let body = json!({"cancelReason": "변심", "cancelAmount": 1_000});
    let first = post(&world.service(), &path, &body, "k").await;
    first.expect(200);
    world.advance(Duration::hours(24) - Duration::minutes(1));
    assert_repeats(&first, &post(&world.service(), &path, &body, "k").await);
    world.advance(Duration::minutes(1));
    let second = post(&world.service(), &path, &body, "k").await;
    second.expect(200);
    assert!(!replayed(&second));
    assert_ne!(second.body["refund"]["id"], first.body["refund"]["id"]);
    assert_eq!(world.ledger_of(&order), (1, 7_900));
    assert_eq!(keys(world).await.len(), 1);
    // It may even stand for something else.
    world.advance(Duration::hours(24));
    let other = json!({"cancelReason": "다른 이유", "cancelAmount": 2_000});
    post(&world.service(), &path, &other, "k").await.expect(200);
    assert_eq!(world.ledger_of(&order), (1, 5_900));
}

async fn keys_that_have_expired_are_purged(world: &World) {
    let body = json!({"planId": world.basic().await, "userId": "u1"});
    for key in ["old", "older"] {
        post(&world.service(), "/v1/temp-orders", &body, key).await.expect(201);
    }
    world.advance(Duration::hours(23));
    let young = post(&world.service(), "/v1/temp-orders", &body, "young").await;
    assert_eq!(world.run_job("purge-idempotency-keys").await, 0);
    world.advance(Duration::hours(1));
    assert_eq!(world.run_job("purge-idempotency-keys").await, 2);
    let left: Vec<String> = keys(world).await.into_iter().map(|row| row.key).collect();
    assert_eq!(left, ["young"]);
    assert_repeats(&young, &post(&world.service(), "/v1/temp-orders", &body, "young").await);
}

async fn no_request_is_kept_but_its_digest(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let mut body = order.confirmation(&world.authenticate(&order));
    body["paymentType"] = "SAID-BY-THE-CALLER-ALONE".into();
    let first = post(&world.service(), "/v1/payments/confirm", &body, "k").await;
    first.expect(200);
    let rows = keys(world).await;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert!(!format!("{row:?}").contains("SAID-BY-THE-CALLER-ALONE"), "{row:?}");
    assert_eq!((row.caller.as_str(), row.key.as_str()), ("service", "k"));
    assert_eq!(row.fingerprint.len(), 64);
    assert_eq!(row.response_body.as_deref(), Some(first.text.as_str()));
    assert_eq!(row.response_headers, Some(json!({"content-type": "application/json"})));
    assert_eq!(row.expires_at, row.created_at + Duration::hours(24));
}

//! Paths and what stands in them: unknown ones, wrong methods, and identifiers that are none.

use super::rows::rows;
use crate::support::client::ADMIN_KEY;
use crate::support::raw;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    an_identifier_that_is_none_is_refused_by_name,
    a_path_that_is_no_utf_8_is_refused,
    a_job_that_is_none_is_told_from_a_path_that_is_none,
    an_unknown_path_is_a_problem_like_any_other,
    a_wrong_method_is_a_problem_like_any_other,
    an_identifier_of_nothing_is_not_found,
    a_wrong_method_is_told_the_right_ones,
];

/// Percent-encoded texts that are no identifier of any kind.
const NO_ID: [&str; 9] = [
    "abc%20def",
    "abc%2Fdef",
    "..%2F..%2Fetc",
    "abc%00def",
    "abc%0Adef",
    "%ED%95%9C%EA%B8%80%ED%95%9C%EA%B8%80",
    "%27%20OR%201%3D1",
    "abc%25def",
    "a+b+c+d",
];

async fn an_identifier_that_is_none_is_refused_by_name(world: &World) {
    let before = rows(world).await;
    let long = "x".repeat(201);
    for bad in NO_ID.into_iter().chain([long.as_str()]) {
        for (path, field) in [
            (format!("/v1/plans/{bad}"), "id"),
            (format!("/v1/temp-orders/{bad}"), "orderId"),
            (format!("/v1/payments/{bad}"), "orderId"),
            (format!("/v1/users/{bad}/subscription"), "userId"),
        ] {
            let reply = world.admin().get(&path).await;
            assert_eq!(reply.status, 400, "{path}: {}", reply.text);
            reply.expect_field(field);
        }
        let path = format!("/v1/payments/{bad}/cancel");
        let reply = world.admin().send_json("POST", &path, r#"{"cancelReason":"x"}"#).await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.text);
        reply.expect_field("orderId");
        let path = format!("/v1/admin/payments/{bad}/settle");
        world.admin().send_json("POST", &path, "").await.expect_field("orderId");
        let reply = world.admin().send_json("PATCH", &format!("/v1/plans/{bad}"), "{}").await;
        assert_eq!(reply.status, 400, "{bad}: {}", reply.text);
        reply.expect_field("id");
    }
    assert_eq!(rows(world).await, before);
}

async fn a_path_that_is_no_utf_8_is_refused(world: &World) {
    let reply = world.admin().get("/v1/plans/%ff").await;
    assert_eq!(reply.expect_problem(400, "INVALID_REQUEST")["errors"][0]["field"], "path");
    for path in ["/v1/nothing/%ff", "/nothing/%ff"] {
        world.admin().get(path).await.expect_problem(404, "NOT_FOUND");
    }
    for path in [
        "/v1/plans/%ff",
        "/v1/temp-orders/abcdef%ff",
        "/v1/payments/%c0%afabcdef",
        "/v1/users/%ff/subscription",
        "/v1/jobs/%ff/runs",
    ] {
        let reply = world.admin().get(path).await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.text);
        reply.expect_problem(400, "INVALID_REQUEST");
        // The same byte, not even encoded.
        let bytes = path.replace("%ff", "\u{1}").replace("%c0%af", "\u{1}").into_bytes();
        let bytes: Vec<u8> = bytes.into_iter().map(|byte| if byte == 1 { 0xff } else { byte }).collect();
        let mut request = b"GET ".to_vec();
        request.extend(bytes);
        request.extend(raw::head("", "", ADMIN_KEY, &[]).strip_prefix(b" ").expect("no method"));
        let reply = raw::exchange(&world.base, &request).await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.text);
    }
    world.stranger().get("/healthz").await.expect(200);
}

async fn a_job_that_is_none_is_told_from_a_path_that_is_none(world: &World) {
    for bad in ["no-such-job", "expire-subscriptions%00", "EXPIRE-SUBSCRIPTIONS", "%ED%95%9C"] {
        world.admin().get(&format!("/v1/jobs/{bad}/runs")).await.expect_problem(404, "JOB_NOT_FOUND");
        let path = format!("/v1/jobs/{bad}/run");
        world.admin().send_json("POST", &path, "").await.expect_problem(404, "JOB_NOT_FOUND");
    }
    world.admin().get("/v1/jobs/expire-subscriptions").await.expect_problem(404, "NOT_FOUND");
}

async fn an_unknown_path_is_a_problem_like_any_other(world: &World) {
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/plans",
        "/v1/plan",
        "/v1/plans/a/b",
        "/V1/plans",
        "/.env",
        "/v1//plans",
        "/v1/payments/a/b/c",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let reply = world.admin().send_json(method, path, "{}").await;
            assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text);
            reply.expect_problem(404, "NOT_FOUND");
        }
    }
}

async fn a_wrong_method_is_a_problem_like_any_other(world: &World) {
    for (method, path) in [
        ("DELETE", "/v1/plans"),
        ("PUT", "/v1/plans/0198c2de-0000-7000-8000-000000000000"),
        ("DELETE", "/v1/plans/0198c2de-0000-7000-8000-000000000000"),
        ("GET", "/v1/temp-orders"),
        ("PATCH", "/v1/payments"),
        ("DELETE", "/v1/payments/abcdef"),
        ("GET", "/v1/payments/abcdef/cancel"),
        ("POST", "/v1/users/u1/subscription"),
        ("DELETE", "/v1/refunds"),
        ("POST", "/v1/event-amounts"),
        ("GET", "/v1/jobs/expire-subscriptions/run"),
        ("POST", "/healthz"),
        ("DELETE", "/readyz"),
        ("POST", "/openapi.json"),
    ] {
        let reply = world.admin().send_json(method, path, "{}").await;
        assert_eq!(reply.status, 405, "{method} {path}: {}", reply.text);
        reply.expect_problem(405, "METHOD_NOT_ALLOWED");
    }
}

/// HTTP asks for it of every 405 (RFC 9110, 15.5.6).
async fn a_wrong_method_is_told_the_right_ones(world: &World) {
    for (path, method) in [("/v1/plans", "GET"), ("/v1/payments/abcdef/cancel", "POST"), ("/healthz", "GET")]
    {
        let reply = world.admin().send_json("DELETE", path, "").await;
        reply.expect_problem(405, "METHOD_NOT_ALLOWED");
        let allowed = reply.header("allow").split(',').any(|allowed| allowed.trim() == method);
        assert!(allowed, "{path}: Allow: {:?}", reply.header("allow"));
    }
}

async fn an_identifier_of_nothing_is_not_found(world: &World) {
    let id = "0198c2de-0000-7000-8000-000000000000";
    let admin = world.admin();
    admin.get(&format!("/v1/plans/{id}")).await.expect_problem(404, "PLAN_NOT_FOUND");
    admin.send_json("PATCH", &format!("/v1/plans/{id}"), "{}").await.expect_problem(404, "PLAN_NOT_FOUND");
    admin.get(&format!("/v1/temp-orders/{id}")).await.expect_problem(404, "ORDER_NOT_FOUND");
    admin.get(&format!("/v1/payments/{id}")).await.expect_problem(404, "PAYMENT_NOT_FOUND");
    let path = format!("/v1/payments/{id}/cancel");
    let reply = admin.send_json("POST", &path, r#"{"cancelReason":"x"}"#).await;
    reply.expect_problem(404, "PAYMENT_NOT_FOUND");
    admin.get("/v1/users/nobody/subscription").await.expect_problem(404, "SUBSCRIPTION_NOT_FOUND");
    let body = format!(r#"{{"planId":"{id}","userId":"u1"}}"#);
    admin.send_json("POST", "/v1/temp-orders", body).await.expect_problem(404, "PLAN_NOT_FOUND");
    let body = format!(r#"{{"paymentKey":"k","orderId":"{id}","amount":9900}}"#);
    admin.send_json("POST", "/v1/payments/confirm", body).await.expect_problem(404, "ORDER_NOT_FOUND");
}

//! Errors: one shape, two languages, an id to find them by, and nothing of the inside.

use sea_orm::ConnectionTrait;
use serde_json::json;
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation};

use crate::support::client::{Reply, send};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    every_problem_has_the_whole_shape,
    what_toss_said_comes_with_a_rejection,
    details_are_korean_unless_english_is_preferred,
    a_sane_request_id_is_echoed,
    a_strange_request_id_is_replaced,
    a_401_tells_how_to_authenticate,
    a_problem_is_never_stored_by_caches,
    an_error_of_ours_tells_nothing_of_the_inside,
];

async fn every_problem_has_the_whole_shape(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let service = world.service();
    let wrong = json!({"paymentKey": "k", "orderId": order.order_id, "amount": 1});
    let text = service.request("POST", "/v1/payments/confirm").header("content-type", "text/plain").body("x");
    let picky = service.request("GET", "/v1/plans").header("accept", "image/png");
    let large = service.send_json("POST", "/v1/temp-orders", vec![b' '; 70_000]).await;
    for (reply, status, code) in [
        (service.post("/v1/payments/confirm", json!({})).await, 400, "INVALID_REQUEST"),
        (service.post("/v1/payments/confirm", wrong).await, 400, "AMOUNT_MISMATCH"),
        (world.stranger().get("/v1/payments").await, 401, "UNAUTHENTICATED"),
        (service.get("/v1/jobs").await, 403, "FORBIDDEN"),
        (service.get("/v1/nothing").await, 404, "NOT_FOUND"),
        (service.get("/v1/payments/abcdefg").await, 404, "PAYMENT_NOT_FOUND"),
        (service.send_json("DELETE", "/v1/plans", "").await, 405, "METHOD_NOT_ALLOWED"),
        (send(picky).await, 406, "NOT_ACCEPTABLE"),
        (large, 413, "PAYLOAD_TOO_LARGE"),
        (send(text).await, 415, "UNSUPPORTED_MEDIA_TYPE"),
    ] {
        let problem = reply.expect_problem(status, code);
        let kind = format!("urn:gudok:problem:{}", code.to_lowercase().replace('_', "-"));
        assert_eq!(problem["type"], kind);
        let told = problem["errors"].as_array();
        assert_eq!(told.is_some(), code == "INVALID_REQUEST", "{}", reply.text);
        assert!(problem["pg"].is_null(), "Toss was not asked: {}", reply.text);
    }
}

async fn what_toss_said_comes_with_a_rejection(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let key = world.authenticate_with(Authenticate::new(&order.order_id, order.amount));
    world
        .toss
        .inject(Fault::new(Operation::Confirm, FaultKind::Reject).code("EXCEED_MAX_DAILY_PAYMENT_COUNT"));
    let reply = world.confirm(&order, &key).await;
    let problem = reply.expect_problem(402, "PAYMENT_REJECTED");
    assert_eq!(problem["pg"]["code"], "EXCEED_MAX_DAILY_PAYMENT_COUNT");
    assert!(problem["pg"]["message"].as_str().is_some_and(|message| !message.is_empty()));
}

async fn details_are_korean_unless_english_is_preferred(world: &World) {
    let in_language = async |language: Option<&str>| {
        let mut request = world.service().request("GET", "/v1/payments/a%20b");
        if let Some(language) = language {
            request = request.header("accept-language", language);
        }
        let reply = send(request).await;
        let problem = reply.expect_problem(400, "INVALID_REQUEST");
        [&problem["detail"], &problem["errors"][0]["detail"]]
            .map(|text| text.as_str().unwrap_or_default().to_owned())
    };
    let hangul = |text: &String| text.chars().any(|letter| ('가'..='힣').contains(&letter));
    for korean in
        [None, Some("ko"), Some("ko-KR,ko;q=0.9,en;q=0.8"), Some("fr"), Some("*"), Some("en;q=0.1, ko")]
    {
        let texts = in_language(korean).await;
        assert!(texts.iter().all(hangul), "{korean:?}: {texts:?}");
    }
    for english in ["en", "en-US,en;q=0.9", "en-GB, ko;q=0.5", "fr, en;q=0.2"] {
        let texts = in_language(Some(english)).await;
        assert!(texts.iter().all(|text| text.is_ascii() && !text.is_empty()), "{english}: {texts:?}");
    }
}

async fn with_request_id(world: &World, path: &str, id: &[u8]) -> Reply {
    let id = reqwest::header::HeaderValue::from_bytes(id).expect("a header's value");
    send(world.service().request("GET", path).header("x-request-id", id)).await
}

async fn a_sane_request_id_is_echoed(world: &World) {
    let long = "x".repeat(128);
    for id in ["a", "req-1_2.3", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736", &long] {
        for path in ["/v1/plans", "/v1/nothing", "/healthz", "/openapi.json"] {
            assert_eq!(
                with_request_id(world, path, id.as_bytes()).await.header("x-request-id"),
                id,
                "{path}"
            );
        }
        let reply = with_request_id(world, "/v1/payments/abcdefg", id.as_bytes()).await;
        assert_eq!(reply.expect_problem(404, "PAYMENT_NOT_FOUND")["requestId"], id);
    }
}

async fn a_strange_request_id_is_replaced(world: &World) {
    let long = "x".repeat(129);
    let mut seen = Vec::new();
    for id in
        [&b""[..], b"a b", b"<script>", b"a\tb", "한글".as_bytes(), b"a\xff", b"{\"a\":1}", long.as_bytes()]
    {
        let reply = with_request_id(world, "/v1/payments/abcdefg", id).await;
        reply.expect_problem(404, "PAYMENT_NOT_FOUND");
        let made = reply.header("x-request-id").to_owned();
        assert!(!made.is_empty() && made.as_bytes() != id, "{made}");
        assert!(!seen.contains(&made), "{made} was given twice");
        seen.push(made);
    }
    let made = world.stranger().get("/healthz").await.header("x-request-id").to_owned();
    assert!(!made.is_empty() && !seen.contains(&made));
}

async fn a_401_tells_how_to_authenticate(world: &World) {
    for caller in [world.stranger(), world.stranger().with_token(Some("garbage"))] {
        for path in ["/v1/payments", "/v1/jobs", "/v1/users/u1/subscription"] {
            let reply = caller.get(path).await;
            reply.expect_problem(401, "UNAUTHENTICATED");
            assert_eq!(reply.header("www-authenticate").split(' ').next(), Some("Bearer"));
        }
    }
    for header in [
        "Basic dXNlcjpwYXNz",
        "Bearer",
        "Bearer ",
        "bearer",
        "test-admin-key-0001",
        "Token test-admin-key-0001",
    ] {
        let request = world.stranger().request("GET", "/v1/jobs").header("authorization", header);
        let reply = send(request).await;
        assert_eq!(reply.status, 401, "{header:?}: {}", reply.text);
        reply.expect_problem(401, "UNAUTHENTICATED");
        assert_eq!(reply.header("www-authenticate").split(' ').next(), Some("Bearer"));
    }
}

async fn a_problem_is_never_stored_by_caches(world: &World) {
    for path in ["/v1/payments/abcdefg", "/v1/nothing", "/v1/users/nobody/subscription"] {
        assert_eq!(world.service().get(path).await.header("cache-control"), "no-store", "{path}");
    }
}

async fn an_error_of_ours_tells_nothing_of_the_inside(world: &World) {
    world.basic().await;
    let db = world.app.db.read();
    db.execute_unprepared("ALTER TABLE plan RENAME TO plan_elsewhere").await.expect("renamed");
    let reply = world.stranger().get("/v1/plans").await;
    reply.expect_problem(500, "INTERNAL");
    for inside in ["plan", "table", "relation", "sql", "select", "sqlx", "sea_orm", "src/", ".rs", "panic"] {
        let told = reply.text.to_lowercase();
        assert!(!told.contains(inside), "{inside}: {}", reply.text);
    }
    db.execute_unprepared("ALTER TABLE plan_elsewhere RENAME TO plan").await.expect("renamed back");
    assert_eq!(
        world.stranger().get("/v1/plans").await.expect(200)["items"].as_array().map(Vec::len),
        Some(1)
    );
}

//! How often callers may call. Time stands still between the scenarios' own steps as far as rates can tell.

use serde_json::json;

use crate::support::client::{ADMIN_KEY, Client, JWT_SECRET, SERVICE_KEY, send, user_token};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_user_who_asks_too_often_is_told_when_to_come_back,
    much_looking_stops_no_buying,
    each_user_and_each_address_has_its_own_rate,
    a_new_credential_with_every_request_gains_nothing,
    whoever_guesses_credentials_is_slowed_down_and_locks_out_nobody_else,
    probes_metrics_and_webhooks_are_not_counted,
    every_answer_tells_how_much_is_left,
    a_rate_of_zero_is_none,
    refusals_are_counted,
];

/// A service with these rates: name, requests a minute, burst.
async fn service(world: &World, rates: &[(&str, &str, &str)]) -> Client {
    service_with(world, rates, &[]).await
}

async fn service_with(world: &World, rates: &[(&str, &str, &str)], more: &[(&str, &str)]) -> Client {
    let named: Vec<(String, &str)> = rates
        .iter()
        .flat_map(|(name, per_minute, burst)| {
            let variable = format!("GUDOK__RATES__{name}__");
            [(format!("{variable}PER_MINUTE"), *per_minute), (format!("{variable}BURST"), *burst)]
        })
        .collect();
    let mut settings: Vec<(&str, &str)> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    settings.extend(more);
    world.second_service_with(&settings).await.1
}

async fn a_user_who_asks_too_often_is_told_when_to_come_back(world: &World) {
    let client = service(world, &[("USER__READING", "2", "2")]).await;
    let user = client.with_token(Some(&user_token("u1", &world.app.clock)));
    // The first is counted by address, because the token is not known to be good before it.
    for _ in 0..3 {
        user.get("/v1/payments").await.expect(200);
    }
    let refused = user.get("/v1/payments").await;
    refused.expect_problem(429, "RATE_LIMITED");
    let after: u32 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=30).contains(&after), "{after}");
    assert_eq!(refused.header("ratelimit-policy"), "\"reading\";q=2;w=60");
    assert!(refused.header("ratelimit").starts_with("\"reading\";r=0;t="), "{}", refused.header("ratelimit"));
    world.advance(chrono::Duration::seconds(after.into()));
    user.get("/v1/payments").await.expect(200);
    user.get("/v1/payments").await.expect_problem(429, "RATE_LIMITED");
}

async fn much_looking_stops_no_buying(world: &World) {
    let plan = world.basic().await;
    let client = service(world, &[("KEY__READING", "1", "1"), ("KEY__REFUNDING", "1", "1")]).await;
    let saas = client.with_token(Some(SERVICE_KEY));
    let order = json!({"planId": plan, "userId": "u1"});
    saas.post("/v1/temp-orders", order.clone()).await.expect(201);
    saas.get("/v1/payments?userId=u1").await.expect(200);
    saas.get("/v1/payments?userId=u1").await.expect_problem(429, "RATE_LIMITED");
    saas.post("/v1/temp-orders", order).await.expect(201);
    let refund = json!({"cancelReason": "변심"});
    let path = "/v1/payments/no-such-order/cancel";
    saas.post(path, refund.clone()).await.expect_problem(404, "PAYMENT_NOT_FOUND");
    saas.post(path, refund).await.expect_problem(429, "RATE_LIMITED");
    client.with_token(Some(ADMIN_KEY)).get("/v1/payments").await.expect(200);
}

async fn each_user_and_each_address_has_its_own_rate(world: &World) {
    let rates = [("ADDRESS__READING", "2", "2")];
    let client = service_with(world, &rates, &[("GUDOK__SERVER__TRUSTED_PROXIES", "127.0.0.1")]).await;
    let from = |address: &'static str| {
        send(client.with_token(None).request("GET", "/v1/plans").header("x-forwarded-for", address))
    };
    for (address, statuses) in [("192.0.2.1", [200, 200, 429]), ("192.0.2.2", [200, 200, 429])] {
        for status in statuses {
            from(address).await.expect(status);
        }
    }
    // One household has many addresses of IPv6.
    for (address, status) in [("2001:db8::1", 200), ("2001:db8::2", 200), ("2001:db8::3", 429)] {
        from(address).await.expect(status);
    }
    // Without a trusted proxy, what strangers claim is not believed.
    let plain = service(world, &rates).await.with_token(None);
    for (address, status) in [("192.0.2.1", 200), ("192.0.2.2", 200), ("192.0.2.3", 429)] {
        let reply = send(plain.request("GET", "/v1/plans").header("x-forwarded-for", address)).await;
        reply.expect(status);
    }
}

async fn a_new_credential_with_every_request_gains_nothing(world: &World) {
    let client = service(world, &[("ADDRESS__READING", "3", "3")]).await;
    for (number, status) in [(0, 401), (1, 401), (2, 401), (3, 429), (4, 429)] {
        client.with_token(Some(&format!("made-up-{number}"))).get("/v1/payments").await.expect(status);
    }
}

async fn whoever_guesses_credentials_is_slowed_down_and_locks_out_nobody_else(world: &World) {
    let client = service(world, &[("ADDRESS__FAILURES", "2", "2")]).await;
    let saas = client.with_token(Some(SERVICE_KEY));
    saas.get("/v1/payments?userId=u1").await.expect(200);
    for number in 0..2 {
        client.with_token(Some(&format!("guess-{number}"))).get("/v1/payments").await.expect(401);
    }
    // Not even the right one is looked at now: an answer would tell that it is right.
    for token in ["guess-3", ADMIN_KEY, JWT_SECRET] {
        for path in ["/v1/payments", "/metrics"] {
            let refused = client.with_token(Some(token)).get(path).await;
            refused.expect_problem(429, "RATE_LIMITED");
            assert_eq!(refused.header("ratelimit-policy"), "\"failures\";q=2;w=60");
        }
    }
    saas.get("/v1/payments?userId=u1").await.expect(200);
    client.with_token(None).get("/v1/plans").await.expect(200);
    world.advance(chrono::Duration::seconds(30));
    client.with_token(Some(ADMIN_KEY)).get("/v1/payments").await.expect(200);
}

async fn probes_metrics_and_webhooks_are_not_counted(world: &World) {
    let one = ("1", "1");
    let rates = ["ADDRESS__READING", "ADDRESS__BUYING", "KEY__READING", "KEY__ADMIN"];
    let client = service(world, &rates.map(|name| (name, one.0, one.1))).await;
    for _ in 0..5 {
        for path in ["/healthz", "/readyz", "/metrics"] {
            let reply = client.get(path).await;
            reply.expect(200);
            assert_eq!(reply.header("ratelimit"), "", "{path}");
        }
        let webhook = json!({"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": "no-such-order"}});
        client.with_token(None).post("/v1/webhooks/toss", webhook).await.expect(200);
    }
}

async fn every_answer_tells_how_much_is_left(world: &World) {
    let client = service(world, &[("ADDRESS__READING", "60", "10")]).await;
    for (path, left) in [("/v1/plans", 9), ("/v1/no-such-path", 8), ("/openapi.json", 7)] {
        let reply = client.with_token(None).get(path).await;
        assert_eq!(reply.header("ratelimit-policy"), "\"reading\";q=60;w=60", "{path}");
        let expected = format!("\"reading\";r={left};t=");
        assert!(reply.header("ratelimit").starts_with(&expected), "{path}: {}", reply.header("ratelimit"));
    }
}

async fn a_rate_of_zero_is_none(world: &World) {
    let client = service(world, &[("ADDRESS__READING", "0", "1")]).await;
    for _ in 0..20 {
        let reply = client.with_token(None).get("/v1/plans").await;
        reply.expect(200);
        assert_eq!(reply.header("ratelimit"), "");
    }
}

async fn refusals_are_counted(world: &World) {
    let client = service(world, &[("ADDRESS__READING", "1", "1")]).await;
    for status in [200, 429, 429] {
        client.with_token(None).get("/v1/plans").await.expect(status);
    }
    let metrics = client.get("/metrics").await.text;
    let counted = "gudok_http_requests_rate_limited_total{class=\"reading\",by=\"address\"} 2\n";
    assert!(metrics.contains(counted), "{metrics}");
}

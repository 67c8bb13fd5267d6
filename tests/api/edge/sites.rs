//! Sites whose pages call the API from browsers (CORS): those on the list, and no other.

use crate::support::client::{Reply, send};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_page_of_a_listed_site_may_ask_and_read,
    a_page_of_any_other_site_is_told_nothing,
    only_the_api_is_shared,
    nobody_is_listed_by_default,
];

const LISTED: [(&str, &str); 1] =
    [("GUDOK__SERVER__CORS_ORIGINS", "https://saas.test, http://localhost:3000")];

async fn ask(client: &crate::support::client::Client, method: &str, path: &str, origin: &str) -> Reply {
    let request = client.request(method, path).header("origin", origin);
    let request = if method == "OPTIONS" {
        request
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type")
    } else {
        request
    };
    send(request).await
}

async fn a_page_of_a_listed_site_may_ask_and_read(world: &World) {
    let (_, client) = world.second_service_with(&LISTED).await;
    for origin in ["https://saas.test", "http://localhost:3000"] {
        // A browser asks without a credential.
        let reply = ask(&client.with_token(None), "OPTIONS", "/v1/payments/confirm", origin).await;
        assert_eq!(reply.status, 204);
        assert_eq!(reply.header("access-control-allow-origin"), origin);
        assert_eq!(reply.header("access-control-allow-methods"), "POST");
        for header in ["authorization", "content-type", "idempotency-key", "x-request-id", "accept-language"]
        {
            assert!(reply.header("access-control-allow-headers").contains(header), "{header}");
        }
        assert_eq!(reply.header("vary"), "Origin");
        for (path, status) in [("/v1/plans", 200), ("/v1/no-such-path", 404), ("/openapi.json", 200)] {
            let reply = ask(&client, "GET", path, origin).await;
            reply.expect(status);
            assert_eq!(reply.header("access-control-allow-origin"), origin, "{path}");
            assert!(reply.header("access-control-expose-headers").contains("x-request-id"));
            assert_eq!(reply.header("access-control-allow-credentials"), "", "no cookies");
            assert!(reply.header("vary").contains("Origin"));
        }
    }
}

async fn a_page_of_any_other_site_is_told_nothing(world: &World) {
    let (_, client) = world.second_service_with(&LISTED).await;
    for origin in [
        "https://evil.test",
        "http://saas.test",
        "https://saas.test.evil.test",
        "null",
        "https://saas.test:443",
    ] {
        let reply = ask(&client, "OPTIONS", "/v1/payments/confirm", origin).await;
        reply.expect_problem(405, "METHOD_NOT_ALLOWED");
        let read = ask(&client, "GET", "/v1/plans", origin).await;
        read.expect(200);
        for reply in [reply, read] {
            assert!(
                reply.headers.keys().all(|name| !name.as_str().starts_with("access-control")),
                "{origin}"
            );
            assert!(reply.header("vary").contains("Origin"), "caches must tell sites apart");
        }
    }
}

async fn only_the_api_is_shared(world: &World) {
    let (_, client) = world.second_service_with(&LISTED).await;
    for path in ["/docs", "/metrics", "/checkout/x", "/admin", "/healthz"] {
        for method in ["GET", "OPTIONS"] {
            let reply = ask(&client, method, path, "https://saas.test").await;
            assert_eq!(reply.header("access-control-allow-origin"), "", "{method} {path}");
        }
    }
}

async fn nobody_is_listed_by_default(world: &World) {
    let reply = ask(&world.admin(), "GET", "/v1/plans", "https://saas.test").await;
    reply.expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), "");
}

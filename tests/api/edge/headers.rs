//! What every answer tells browsers.

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![every_answer_keeps_itself_to_itself, only_behind_tls_browsers_are_told_to_stay_with_it,];

async fn every_answer_keeps_itself_to_itself(world: &World) {
    for path in [
        "/v1/plans",
        "/v1/payments",
        "/v1/no-such-path",
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/no-such-page",
    ] {
        let reply = world.stranger().get(path).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
        assert_eq!(
            reply.header("content-security-policy"),
            "default-src 'none'; frame-ancestors 'none'",
            "{path}"
        );
        assert_eq!(reply.header("strict-transport-security"), "", "{path}: in the clear");
    }
}

async fn only_behind_tls_browsers_are_told_to_stay_with_it(world: &World) {
    let public = [("GUDOK__SERVER__PUBLIC_URL", "https://pay.saas.test")];
    let (_, client) = world.second_service_with(&public).await;
    for path in ["/v1/plans", "/v1/payments", "/v1/no-such-path", "/docs", "/checkout/no-such-order"] {
        let reply = client.get(path).await;
        assert_eq!(reply.header("strict-transport-security"), "max-age=31536000", "{path}");
    }
}

//! Query parameters that make no sense: each gets a 400 that names it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_limit_out_of_bounds_is_refused_by_every_list,
    a_broken_cursor_is_refused_by_every_list,
    a_broken_filter_is_refused_by_name,
    broken_times_are_refused_by_name,
    several_broken_parameters_are_told_at_once,
];

/// Every list.
const LISTS: [&str; 7] = [
    "/v1/plans",
    "/v1/payments",
    "/v1/refunds",
    "/v1/subscriptions",
    "/v1/event-amounts",
    "/v1/jobs/expire-subscriptions/runs",
    "/v1/admin/attention",
];

async fn refused(world: &World, path: &str, field: &str) {
    let reply = world.admin().get(path).await;
    assert_eq!(reply.status, 400, "{path}: {}", reply.text);
    reply.expect_field(field);
}

async fn a_limit_out_of_bounds_is_refused_by_every_list(world: &World) {
    for list in LISTS {
        for limit in
            ["0", "101", "-1", "x", "", "1.5", "1e1", "0x10", "4294967296", "99999999999999999999", "%00"]
        {
            refused(world, &format!("{list}?limit={limit}"), "limit").await;
        }
        for limit in [1, 100] {
            world.admin().get(&format!("{list}?limit={limit}")).await.expect(200);
        }
    }
}

async fn a_broken_cursor_is_refused_by_every_list(world: &World) {
    let encoded = ["", "x", "1.", ".a", "x.y", "1", "99999999999999999999.a", "1.a'b", "1.a\u{0}"]
        .map(|text| URL_SAFE_NO_PAD.encode(text));
    let plain = ["", "x", "%21%21%21%21", "%00", "null", "MQ%3D%3D", "%ED%95%9C"].map(str::to_owned);
    let long = "A".repeat(5_000);
    for list in LISTS {
        for cursor in encoded.iter().chain(&plain).chain([&long]) {
            refused(world, &format!("{list}?cursor={cursor}"), "cursor").await;
        }
    }
}

async fn a_broken_filter_is_refused_by_name(world: &World) {
    for (path, field) in [
        ("/v1/plans?isActive=yes", "isActive"),
        ("/v1/plans?isActive=", "isActive"),
        ("/v1/payments?userId=a%20b", "userId"),
        ("/v1/payments?userId=", "userId"),
        ("/v1/payments?userId=a%00", "userId"),
        ("/v1/payments?userId=a/b", "userId"),
        ("/v1/payments?userId=%ED%95%9C", "userId"),
        ("/v1/payments?planId=7", "planId"),
        ("/v1/payments?planId=", "planId"),
        ("/v1/payments?status=PAID", "status"),
        ("/v1/payments?status=done", "status"),
        ("/v1/payments?status=", "status"),
        ("/v1/refunds?orderId=a/b/c/d", "orderId"),
        ("/v1/refunds?orderId=short", "orderId"),
        ("/v1/refunds?userId=a%2Fb", "userId"),
        ("/v1/subscriptions?isActive=1", "isActive"),
        ("/v1/subscriptions?planId=x", "planId"),
    ] {
        refused(world, path, field).await;
    }
    let long = "x".repeat(65);
    refused(world, &format!("/v1/payments?userId={long}"), "userId").await;
    refused(world, &format!("/v1/refunds?orderId={long}"), "orderId").await;
}

async fn broken_times_are_refused_by_name(world: &World) {
    for field in ["from", "to"] {
        for time in [
            "",
            "yesterday",
            "2026-01-31",
            "2026-01-31T06:00:00",
            "2026-02-30T06:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-31T25:00:00Z",
            "1769839200",
            "0000-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "%2B12026-01-01T00:00:00Z",
            // A plus sign that was not encoded is a blank.
            "2026-01-31T15:00:00+09:00",
        ] {
            refused(world, &format!("/v1/payments?{field}={time}"), field).await;
        }
        for time in ["2026-01-31T06:00:00Z", "2026-01-31T15:00:00.123456%2B09:00"] {
            world.admin().get(&format!("/v1/payments?{field}={time}")).await.expect(200);
        }
    }
}

async fn several_broken_parameters_are_told_at_once(world: &World) {
    let reply = world.admin().get("/v1/payments?userId=a%20b&from=x&limit=0").await;
    let problem = reply.expect_problem(400, "INVALID_REQUEST");
    let errors = problem["errors"].as_array().expect("errors");
    let fields: Vec<&str> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
    assert_eq!(fields, ["userId", "from", "limit"]);
}

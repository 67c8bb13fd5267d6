//! Lists: pages of the size asked for, each row once, and a clear end.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    an_empty_list_is_a_page_with_no_next,
    a_page_has_twenty_rows_unless_said_otherwise,
    a_list_read_page_by_page_gives_each_row_once_newest_first,
    rows_added_while_reading_shift_nothing,
    a_page_that_is_exactly_full_has_no_next,
];

/// Every list.
const LISTS: [&str; 6] = [
    "/v1/plans",
    "/v1/payments",
    "/v1/refunds",
    "/v1/subscriptions",
    "/v1/event-amounts",
    "/v1/jobs/purge-temp-orders/runs",
];

async fn page(world: &World, list: &str, limit: usize, cursor: Option<&str>) -> (Vec<Value>, Option<String>) {
    let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    let reply = world.admin().get(&format!("{list}?limit={limit}{cursor}")).await;
    let body = reply.expect(200);
    let next = body.get("nextCursor").expect("nextCursor is always there");
    let items = body["items"].as_array().expect("items").clone();
    assert!(items.len() <= limit, "{list}: {} rows", items.len());
    (items, next.as_str().map(str::to_owned))
}

async fn an_empty_list_is_a_page_with_no_next(world: &World) {
    for list in LISTS {
        let reply = world.admin().get(list).await;
        let body = reply.expect(200).as_object().expect("an object");
        assert_eq!(body.get("items"), Some(&json!([])), "{list}");
        assert_eq!(body.get("nextCursor"), Some(&Value::Null), "{list}: {}", reply.text);
    }
}

async fn a_page_has_twenty_rows_unless_said_otherwise(world: &World) {
    for number in 0..21 {
        world.plan(&format!("P{number}"), "BASIC", 9_900, Some(1)).await;
    }
    let reply = world.stranger().get("/v1/plans").await;
    let body = reply.expect(200);
    assert_eq!(body["items"].as_array().map(Vec::len), Some(20));
    assert!(body["nextCursor"].is_string());
    assert_eq!(page(world, "/v1/plans", 100, None).await.0.len(), 21);
}

/// Five rows in every list.
async fn fill(world: &World) {
    let (basic, event) = (world.basic().await, world.event().await);
    for number in 0..3 {
        world.plan(&format!("P{number}"), "PREMIUM", 19_900, Some(1)).await;
    }
    for number in 0..5 {
        let user = format!("u{number}");
        let order = world.buy(&user, &basic).await;
        world.refund(&order, Some(1_000)).await.expect(200);
        world.buy(&user, &event).await;
        world.run_job("purge-temp-orders").await;
    }
}

async fn a_list_read_page_by_page_gives_each_row_once_newest_first(world: &World) {
    fill(world).await;
    for list in LISTS {
        let (whole, end) = page(world, list, 100, None).await;
        assert_eq!(end, None, "{list}");
        assert!(whole.len() >= 5, "{list}: {} rows", whole.len());
        for limit in [1, 2, 3] {
            let (mut read, mut cursor) = (Vec::new(), None);
            loop {
                let (items, next) = page(world, list, limit, cursor.as_deref()).await;
                assert!(items.len() == limit || next.is_none(), "{list}: a short page in the middle");
                read.extend(items);
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(read, whole, "{list} by {limit}");
        }
        let time = if list.starts_with("/v1/jobs") { "scheduledFor" } else { "createdAt" };
        let parse = |row: &Value| {
            chrono::DateTime::parse_from_rfc3339(row[time].as_str().expect("a time")).expect("RFC 3339")
        };
        let times: Vec<_> = whole.iter().map(parse).collect();
        assert!(times.is_sorted_by(|newer, older| newer >= older), "{list} is not newest first: {times:?}");
    }
}

async fn rows_added_while_reading_shift_nothing(world: &World) {
    let basic = world.basic().await;
    for number in 0..4 {
        world.buy(&format!("u{number}"), &basic).await;
    }
    let (first, cursor) = page(world, "/v1/payments", 2, None).await;
    world.buy("u8", &basic).await;
    world.buy("u9", &basic).await;
    let (second, end) = page(world, "/v1/payments", 2, cursor.as_deref()).await;
    assert_eq!(end, None);
    let users: HashSet<&str> = first.iter().chain(&second).filter_map(|row| row["userId"].as_str()).collect();
    assert_eq!(users, HashSet::from(["u0", "u1", "u2", "u3"]));
}

async fn a_page_that_is_exactly_full_has_no_next(world: &World) {
    for number in 0..3 {
        world.plan(&format!("P{number}"), "BASIC", 9_900, Some(1)).await;
    }
    let (items, next) = page(world, "/v1/plans", 3, None).await;
    assert_eq!((items.len(), next), (3, None));
    let (items, next) = page(world, "/v1/plans", 2, None).await;
    assert_eq!((items.len(), next.is_some()), (2, true));
}

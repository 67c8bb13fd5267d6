//! Listing payments: filters, and pages that are complete while purchases go on.

use std::collections::HashSet;

use chrono::Duration;
use toss_sandbox::Authenticate;

use crate::support::client::Client;
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World, instant};

scenarios![
    payments_are_listed_by_user,
    payments_are_listed_by_plan_and_status,
    payments_are_listed_by_time,
    pages_are_complete_and_stable_while_purchases_go_on,
    a_payment_is_found_by_any_key_that_was_offered_for_it,
];

/// The orders on one page, and where the next begins.
async fn page(client: &Client, query: &str) -> (Vec<String>, Option<String>) {
    let reply = client.get(&format!("/v1/payments?{query}")).await;
    let body = reply.expect(200);
    let items = body["items"].as_array().expect("items");
    let ids = items.iter().map(|item| item["orderId"].as_str().expect("an id").to_owned());
    (ids.collect(), body["nextCursor"].as_str().map(str::to_owned))
}

/// All orders that a query finds, which must fit on a page.
async fn listed(client: &Client, query: &str) -> Vec<String> {
    let (ids, next) = page(client, query).await;
    assert_eq!(next, None);
    ids
}

fn newest_first(orders: &[&Order]) -> Vec<String> {
    orders.iter().rev().map(|order| order.order_id.clone()).collect()
}

async fn payments_are_listed_by_user(world: &World) {
    let plan = world.basic().await;
    let first = world.buy("u1", &plan).await;
    let foreign = world.buy("u2", &plan).await;
    let second = world.buy("u1", &plan).await;
    let own = newest_first(&[&first, &second]);
    assert_eq!(listed(&world.admin(), "userId=u1").await, own);
    assert_eq!(listed(&world.service(), "userId=u1").await, own);
    assert_eq!(listed(&world.user("u1"), "").await, own);
    assert_eq!(listed(&world.admin(), "").await, newest_first(&[&first, &foreign, &second]));
    assert_eq!(listed(&world.admin(), "userId=nobody").await, Vec::<String>::new());
    // Asking for somebody else's must not show them.
    let nosy = world.user("u1").get("/v1/payments?userId=u2").await;
    assert!(!nosy.text.contains(&foreign.order_id), "{}", nosy.text);
}

async fn payments_are_listed_by_plan_and_status(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    let kept = world.buy("u1", &basic).await;
    let dear = world.buy("u1", &premium).await;
    let returned = world.buy("u2", &basic).await;
    world.refund(&returned, None).await.expect(200);
    let admin = world.admin();
    assert_eq!(listed(&admin, &format!("planId={basic}")).await, newest_first(&[&kept, &returned]));
    assert_eq!(listed(&admin, "status=CANCELED").await, newest_first(&[&returned]));
    assert_eq!(listed(&admin, "status=DONE").await, newest_first(&[&kept, &dear]));
    let both = format!("status=DONE&planId={basic}&userId=u1");
    assert_eq!(listed(&admin, &both).await, newest_first(&[&kept]));
    assert_eq!(listed(&admin, "status=EXPIRED").await, Vec::<String>::new());
}

async fn payments_are_listed_by_time(world: &World) {
    let plan = world.basic().await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(world.buy("u1", &plan).await);
        world.advance(Duration::days(1));
    }
    let second = world.payment(&orders[1]).await["createdAt"].as_str().unwrap().to_owned();
    let third = world.payment(&orders[2]).await["createdAt"].as_str().unwrap().to_owned();
    let admin = world.admin();
    // From is inside, to is outside.
    assert_eq!(listed(&admin, &format!("from={second}")).await, newest_first(&[&orders[1], &orders[2]]));
    assert_eq!(listed(&admin, &format!("to={second}")).await, newest_first(&[&orders[0]]));
    assert_eq!(listed(&admin, &format!("from={second}&to={third}")).await, newest_first(&[&orders[1]]));
    // An offset is as good as UTC.
    let seoul = instant(&second.as_str().into()) + Duration::hours(9);
    let seoul = seoul.format("%Y-%m-%dT%H:%M:%S%.6f%%2B09:00");
    assert_eq!(listed(&admin, &format!("to={seoul}")).await, newest_first(&[&orders[0]]));
}

async fn pages_are_complete_and_stable_while_purchases_go_on(world: &World) {
    let plan = world.basic().await;
    let mut orders = Vec::new();
    for _ in 0..7 {
        orders.push(world.buy("u1", &plan).await);
    }
    let expected = newest_first(&orders.iter().collect::<Vec<_>>());
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let (ids, next) = page(&world.admin(), &format!("limit=2{cursor}")).await;
        assert!(ids.len() <= 2);
        seen.extend(ids);
        let Some(next) = next else { break };
        cursor = format!("&cursor={next}");
        // What comes in meanwhile is newer than the first page and must push nothing onto a later one.
        world.buy("u2", &plan).await;
    }
    assert_eq!(seen, expected);
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 7);
    let (whole, next) = page(&world.admin(), "userId=u1&limit=7").await;
    assert_eq!((whole, next), (expected, None), "a page that is just full is the last one");
}

async fn a_payment_is_found_by_any_key_that_was_offered_for_it(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let lost = Authenticate::new(order.order_id.clone(), order.amount).card("4000000000000005");
    let declined = world.authenticate_with(lost);
    world.confirm(&order, &declined).await.expect_problem(402, "PAYMENT_REJECTED");
    let found = async |key: &str| {
        let key = key.parse().expect("a key");
        let found = gudok::payments::find_by_key(world.app.db.read(), &key).await.expect("read");
        found.map(|payment| payment.order_id.to_string())
    };
    assert_eq!(found(&declined).await.as_ref(), Some(&order.order_id));
    let paid = world.authenticate(&order);
    assert_eq!(found(&paid).await, None, "nobody has offered it yet");
    world.confirm(&order, &paid).await.expect(200);
    for key in [&declined, &paid] {
        assert_eq!(found(key).await.as_ref(), Some(&order.order_id));
    }
}

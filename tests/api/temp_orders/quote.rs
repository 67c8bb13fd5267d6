//! Quotes: priced by the server, bound to a user, and gone when they are dead.

use std::collections::HashSet;

use chrono::Duration;
use serde_json::{Value, json};
use toss_sandbox::{Fault, FaultKind, Operation};

use crate::support::scenario::scenarios;
use crate::support::world::{Order, World, instant};

scenarios![
    the_server_computes_amount_and_name,
    no_amount_is_taken_from_a_client,
    the_customer_key_is_random_and_stays_with_its_user,
    order_ids_are_unguessable,
    many_first_orders_of_one_user_at_once_share_a_customer_key,
    a_user_quotes_for_itself_and_reads_only_its_own,
    purge_removes_only_what_can_no_longer_be_paid,
    purge_leaves_an_order_whose_payment_is_open,
];

async fn quote(world: &World, user: &str, plan: &str) -> Value {
    let body = json!({"planId": plan, "userId": user});
    world.service().post("/v1/temp-orders", body).await.expect(201).clone()
}

async fn the_server_computes_amount_and_name(world: &World) {
    let plan = world.basic().await;
    let quoted = quote(world, "u1", &plan).await;
    assert_eq!((&quoted["totalAmount"], &quoted["currency"]), (&9_900.into(), &"KRW".into()));
    assert_eq!(quoted["orderName"], "BASIC 요금제");
    assert_eq!((&quoted["userId"], &quoted["planId"]), (&"u1".into(), &plan.into()));
    let life = instant(&quoted["expiresAt"]) - instant(&quoted["createdAt"]);
    assert_eq!(life, Duration::minutes(30));
    let path = format!("/v1/temp-orders/{}", quoted["orderId"].as_str().unwrap());
    assert_eq!(world.service().get(&path).await.expect(200), &quoted);
}

async fn no_amount_is_taken_from_a_client(world: &World) {
    let plan = world.basic().await;
    for (name, value) in [("totalAmount", json!(1)), ("amount", json!(1)), ("orderName", json!("x"))] {
        let mut body = json!({"planId": plan, "userId": "u1"});
        body[name] = value;
        world.service().post("/v1/temp-orders", body).await.expect_field(name);
    }
}

async fn the_customer_key_is_random_and_stays_with_its_user(world: &World) {
    let (basic, event) = (world.basic().await, world.event().await);
    let first = quote(world, "kim@example.com", &basic).await;
    let key = first["customerKey"].as_str().expect("a key");
    world.buy("kim@example.com", &basic).await;
    world.advance(Duration::days(400));
    assert_eq!(quote(world, "kim@example.com", &event).await["customerKey"], key);
    let other = quote(world, "lee@example.com", &basic).await;
    let other = other["customerKey"].as_str().expect("a key");
    assert_ne!(other, key);
    for key in [key, other] {
        assert!((2..=300).contains(&key.len()), "{key}");
        assert!(!["kim", "lee", "example", "@"].iter().any(|part| key.contains(part)), "{key}");
    }
}

async fn order_ids_are_unguessable(world: &World) {
    let plan = world.basic().await;
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let order = world.order("u1", &plan).await;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(order.order_id.bytes().all(allowed), "{}", order.order_id);
        // 120 bits take 20 characters of a 64-letter alphabet; a time stamp in front must not use them up.
        assert!((20..=64).contains(&order.order_id.len()), "{}", order.order_id);
        let tail = order.order_id[order.order_id.len() - 12..].to_owned();
        assert!(seen.insert(tail), "{}", order.order_id);
    }
}

async fn many_first_orders_of_one_user_at_once_share_a_customer_key(world: &World) {
    let plan = world.basic().await;
    let quotes = futures_util::future::join_all((0..10).map(|_| quote(world, "u1", &plan))).await;
    let keys: HashSet<_> = quotes.iter().map(|quoted| quoted["customerKey"].as_str().unwrap()).collect();
    let ids: HashSet<_> = quotes.iter().map(|quoted| quoted["orderId"].as_str().unwrap()).collect();
    assert_eq!((keys.len(), ids.len()), (1, 10));
}

async fn a_user_quotes_for_itself_and_reads_only_its_own(world: &World) {
    let plan = world.basic().await;
    let reply = world.user("u1").post("/v1/temp-orders", json!({"planId": plan})).await;
    assert_eq!(reply.expect(201)["userId"], "u1");
    let path = format!("/v1/temp-orders/{}", reply.body["orderId"].as_str().unwrap());
    assert_eq!(world.user("u1").get(&path).await.expect(200), &reply.body);
    world.user("u2").get(&path).await.expect_problem(404, "ORDER_NOT_FOUND");
    let foreign = world.user("u1").post("/v1/temp-orders", json!({"planId": plan, "userId": "u2"})).await;
    assert_eq!(foreign.status / 100, 4, "{}", foreign.text);
}

async fn is_quoted(world: &World, order: &Order) -> bool {
    let reply = world.service().get(&format!("/v1/temp-orders/{}", order.order_id)).await;
    if reply.status != 200 {
        reply.expect_problem(404, "ORDER_NOT_FOUND");
    }
    reply.status == 200
}

async fn purge_removes_only_what_can_no_longer_be_paid(world: &World) {
    let plan = world.basic().await;
    let dead = world.order("u1", &plan).await;
    let failed = world.order("u2", &plan).await;
    let body = json!({"orderId": failed.order_id, "code": "PAY_PROCESS_CANCELED", "message": "취소"});
    world.service().post("/v1/payments/fail", body).await.expect(200);
    world.advance(Duration::minutes(20));
    let alive = world.order("u1", &plan).await;
    assert_eq!(world.run_job("purge-temp-orders").await, 0);
    world.advance(Duration::minutes(10));
    assert_eq!(world.run_job("purge-temp-orders").await, 2);
    assert!(!is_quoted(world, &dead).await);
    assert!(!is_quoted(world, &failed).await);
    assert!(is_quoted(world, &alive).await);
    // The trace of the failed attempt outlives its quote.
    assert_eq!(world.payment(&failed).await["status"], "ABORTED");
    let key = world.authenticate(&alive);
    world.confirm(&alive, &key).await.expect(200);
}

async fn purge_leaves_an_order_whose_payment_is_open(world: &World) {
    let plan = world.basic().await;
    let (open, dead) = (world.order("u1", &plan).await, world.order("u2", &plan).await);
    let key = world.authenticate(&open);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    world.confirm(&open, &key).await.expect(202);
    world.advance(Duration::hours(1));
    assert_eq!(world.run_job("purge-temp-orders").await, 1);
    assert!(is_quoted(world, &open).await);
    assert!(!is_quoted(world, &dead).await);
    assert_eq!(world.run_job("settle-payments").await, 1);
    assert_eq!(world.payment(&open).await["status"], "DONE");
    assert!(!is_quoted(world, &open).await, "what is paid is no quote any more");
}

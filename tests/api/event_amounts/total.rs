//! The event total: exact, however many buy at once.

use chrono::Duration;
use futures_util::future::join_all;
use gudok::audit::Actor;
use gudok::jobs::{Job, run_to_end};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;

use crate::support::crowd::{self, Hold, awaited_by};
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![
    forty_purchases_at_once_give_an_exact_total,
    a_confirmation_tells_its_own_amount_and_the_total_since,
    buyers_who_wait_for_the_total_share_one_sum,
    purchases_and_refunds_at_once_give_an_exact_total,
    the_entries_of_all_pages_sum_to_the_total,
    the_total_is_the_same_whatever_was_added_up,
    many_entries_are_added_up_in_steps,
    an_entry_by_a_clock_that_is_behind_counts_after_the_check,
];

async fn forty_purchases_at_once_give_an_exact_total(world: &World) {
    let plan = world.event().await;
    let mut orders = Vec::new();
    for n in 0..40 {
        let order = world.order(&format!("u{n}"), &plan).await;
        let key = world.authenticate(&order);
        orders.push((order, key));
    }
    for reply in join_all(orders.iter().map(|(order, key)| world.confirm(order, key))).await {
        let body = reply.expect(200);
        assert_eq!(body["eventAmount"]["amount"], 5_000);
        assert!(body["subscription"].is_null());
        let total = body["eventAmount"]["total"].as_i64().expect("a total");
        assert!(total % 5_000 == 0 && (5_000..=200_000).contains(&total), "{total}");
    }
    assert_eq!(world.event_total().await, 200_000);
}

async fn a_confirmation_tells_its_own_amount_and_the_total_since(world: &World) {
    let (small, large) = (world.event().await, world.plan("GALA", "EVENT", 70_000, None).await);
    let (first, second) = (world.order("u1", &small).await, world.order("u1", &large).await);
    let (first_key, second_key) = (world.authenticate(&first), world.authenticate(&second));
    let reply = world.confirm(&first, &first_key).await;
    assert_eq!(reply.expect(200)["eventAmount"], json!({"amount": 5_000, "total": 5_000}));
    let reply = world.confirm(&second, &second_key).await;
    assert_eq!(reply.expect(200)["eventAmount"], json!({"amount": 70_000, "total": 75_000}));
    // A plan that sells time adds nothing.
    let basic = world.basic().await;
    world.buy("u1", &basic).await;
    assert_eq!(world.event_total().await, 75_000);
}

async fn buyers_who_wait_for_the_total_share_one_sum(world: &World) {
    // SQLite has no lock that keeps others from reading.
    if world.backend == Backend::Sqlite {
        return;
    }
    world.buy("u1", &world.event().await).await;
    let (app, _) = world.second_service().await;
    let hold = Hold::of(world, "LOCK TABLE event_total IN ACCESS EXCLUSIVE MODE").await;
    let before = app.db.statements().get();
    let reads = join_all((0..10).map(|_| app.event_total.read(&app.db)));
    let lets_them = async {
        awaited_by(world, 1).await;
        hold.release().await;
    };
    for total in tokio::join!(reads, lets_them).0 {
        assert_eq!(total.expect("a total"), 5_000);
    }
    // The others came after the first sum was begun, and share the second.
    assert_eq!(app.db.statements().get() - before, 2);
    app.stopping.cancel();
}

async fn purchases_and_refunds_at_once_give_an_exact_total(world: &World) {
    let plan = world.event().await;
    let (mut bought, mut fresh) = (Vec::new(), Vec::new());
    for n in 0..10 {
        bought.push(world.buy(&format!("old-{n}"), &plan).await);
        let order = world.order(&format!("new-{n}"), &plan).await;
        let key = world.authenticate(&order);
        fresh.push((order, key));
    }
    let confirms = join_all(fresh.iter().map(|(order, key)| world.confirm(order, key)));
    let whole = join_all(bought[..5].iter().map(|order| world.refund(order, None)));
    let parts = join_all(bought[5..].iter().map(|order| world.refund(order, Some(1_000))));
    let (confirms, whole, parts) = tokio::join!(confirms, whole, parts);
    for reply in confirms.iter().chain(&whole).chain(&parts) {
        reply.expect(200);
    }
    assert_eq!(world.event_total().await, 20 * 5_000 - 5 * 5_000 - 5 * 1_000);
}

async fn the_entries_of_all_pages_sum_to_the_total(world: &World) {
    let plan = world.event().await;
    for n in 0..5 {
        let order = world.buy(&format!("u{n}"), &plan).await;
        if n % 2 == 0 {
            world.refund(&order, Some(2_000)).await.expect(200);
        }
    }
    let (mut amounts, mut cursor) = (Vec::new(), String::new());
    loop {
        let reply = world.admin().get(&format!("/v1/event-amounts?limit=3{cursor}")).await;
        let body = reply.expect(200);
        assert_eq!(body["total"], 19_000, "every page tells the whole total");
        amounts.extend(body["items"].as_array().unwrap().iter().map(|item| item["amount"].as_i64().unwrap()));
        let Some(next) = body["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((amounts.len(), amounts.iter().sum::<i64>()), (8, 19_000));
}

/// What was added up, if anything was.
async fn added_up(world: &World) -> Option<i64> {
    let db = world.app.db.read();
    let sql = "SELECT amount FROM event_total";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect("read");
    assert!(rows.len() <= 1, "one sum counts");
    rows.first().map(|row| row.try_get_by_index(0).expect("won"))
}

async fn the_total_is_the_same_whatever_was_added_up(world: &World) {
    let plan = world.event().await;
    world.run_job("check").await;
    assert_eq!((added_up(world).await, world.event_total().await), (None, 0));
    let (mut total, mut last) = (0, None);
    for day in 0..6 {
        last = Some(world.buy(&format!("u{day}"), &plan).await);
        total += 5_000;
        assert_eq!(world.event_total().await, total);
        world.run_job("check").await;
        assert_eq!(world.event_total().await, total, "day {day}");
        world.advance(Duration::days(1));
    }
    // The last hours, and the entry at which the sum ends, are counted one by one.
    assert_eq!(added_up(world).await, Some(20_000));
    // What is given back counts on the day on which it goes.
    world.refund(&last.expect("an order"), Some(2_000)).await.expect(200);
    assert_eq!(world.event_total().await, total - 2_000);
    // A clock that is far ahead adds up what is there, and nothing that is yet to come.
    let now = world.app.clock.now() + Duration::days(400);
    let by_hand = (&Actor::command_line(), |_progress| {});
    run_to_end(&world.app, Job::Check, by_hand, now).await.expect("a run");
    world.buy("late", &plan).await;
    assert_eq!(world.event_total().await, total - 2_000 + 5_000);
    world.run_job("check").await;
    assert_eq!(world.event_total().await, total - 2_000 + 5_000);
}

async fn many_entries_are_added_up_in_steps(world: &World) {
    const MANY: i64 = 12_000;
    let order = world.buy("u1", &world.event().await).await;
    crowd::copy(world, &order, usize::try_from(MANY).expect("a number")).await;
    let id = |head: &str| format!("'{head}-0000-7000-8000-' || CAST(100000000000 + n AS text)");
    // An entry each second, the newest a day ago.
    let earlier = match world.backend {
        Backend::Sqlite => {
            "strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', created_at, '-' || (86400 + n) || ' seconds')"
        }
        Backend::Postgres => "created_at - make_interval(secs => 86400 + n)",
    };
    let sql = format!(
        "WITH RECURSIVE crowd (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM crowd WHERE n < {MANY})
         INSERT INTO event_amount (id, order_id, payment_event_id, amount, created_at)
         SELECT {}, order_id || '-' || n, {}, amount, {earlier} FROM event_amount, crowd",
        id("01990004"),
        id("01990003")
    );
    world.app.db.read().execute_unprepared(&sql).await.expect("entered");
    assert_eq!(world.event_total().await, (MANY + 1) * 5_000);
    world.run_job("purge-temp-orders").await;
    // All but the newest that is settled, at which the sum ends, and the one of just now.
    assert_eq!(added_up(world).await, Some((MANY - 1) * 5_000));
    assert_eq!(world.event_total().await, (MANY + 1) * 5_000);
}

async fn an_entry_by_a_clock_that_is_behind_counts_after_the_check(world: &World) {
    let plan = world.event().await;
    for user in ["u1", "u2"] {
        world.buy(user, &plan).await;
        world.advance(Duration::hours(3));
    }
    world.run_job("purge-temp-orders").await;
    assert_eq!((added_up(world).await, world.event_total().await), (Some(5_000), 10_000));
    world.advance(Duration::hours(-7));
    let (behind, client) = world.second_service().await;
    let order = world.order_by(&client, "u3", &plan).await;
    let key = world.authenticate(&order);
    client.post("/v1/payments/confirm", order.confirmation(&key)).await.expect(200);
    behind.stopping.cancel();
    world.advance(Duration::hours(7));
    world.run_job("check").await;
    assert_eq!((added_up(world).await, world.event_total().await), (Some(10_000), 15_000));
}

//! What callers wait for reads big tables by index: PostgreSQL itself counts who read a whole one.

use chrono::Duration;
use sea_orm::ConnectionTrait;
use serde_json::json;
use toss_sandbox::{Authenticate, PayMethod};

use crate::support::client::Client;
use crate::support::counts::{MANY, alone, connection, rows_read, scans, text};
use crate::support::crowd;
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::{Order, World};

scenarios![
    nothing_that_callers_wait_for_reads_a_big_table_as_a_whole,
    lists_by_the_clock_read_a_page_while_many_wait_for_the_nightly_job,
    lists_find_the_few_who_run_or_have_ended_among_many_who_do_not,
    lists_find_the_few_who_ended_today_among_many_who_will,
    webhooks_are_purged_without_a_look_at_those_that_stay,
    a_batch_of_the_nightly_job_reads_its_own_rows_and_no_others,
];

/// Tables that grow with the business.
const BIG: [&str; 5] = ["customer", "payment", "payment_event", "subscription", "subscription_period"];

/// The first page of subscriptions by each query has so many rows.
async fn pages_have(client: &Client, queries: &[(String, usize)]) {
    for (query, number) in queries {
        let page = client.get(&format!("/v1/subscriptions?{query}")).await;
        assert_eq!(page.expect(200)["items"].as_array().map(Vec::len), Some(*number), "{query}");
    }
}

/// Goes on to this hour of the next day, in UTC.
fn tomorrow_at(world: &World, hour: u32) {
    let time = (world.app.clock.now() + Duration::days(1)).date_naive().and_hms_opt(hour, 0, 0);
    world.advance_to(time.expect("a time").and_utc());
}

/// A purchase by card, a decline, an account, a refund, and what is read on the way.
pub(super) async fn buy_and_give_back(world: &World, client: &Client, plan: &str) {
    let order = async || {
        let reply = client.post("/v1/temp-orders", json!({"planId": plan, "userId": "u1-77"})).await;
        let order_id = reply.expect(201)["orderId"].as_str().expect("an id").to_owned();
        Order { order_id, amount: 9_900 }
    };
    let confirm = async |order: &Order, key: &str| {
        client.post("/v1/payments/confirm", order.confirmation(key)).await.status
    };
    let paid = order().await;
    let bad =
        world.authenticate_with(Authenticate::new(paid.order_id.clone(), 9_900).card("4000000000000001"));
    assert_eq!(confirm(&paid, &bad).await, 402);
    let key = world.authenticate(&paid);
    assert_eq!(confirm(&paid, &key).await, 200);
    assert_eq!(confirm(&paid, &key).await, 200);
    let issued = order().await;
    let account = Authenticate::new(issued.order_id.clone(), 9_900).method(PayMethod::VirtualAccount);
    assert_eq!(confirm(&issued, &world.authenticate_with(account)).await, 200);
    client.get(&format!("/v1/payments/{}", paid.order_id)).await.expect(200);
    client.get("/v1/users/u1-77/subscription").await.expect(200);
    let cancel = format!("/v1/payments/{}/cancel", paid.order_id);
    client.post(&cancel, json!({"cancelReason": "변심"})).await.expect(200);
}

/// Every list that reads a big table, by each of its filters, first page and next.
pub(super) async fn leaf_through(client: &Client, plan: &str, rare: &str) {
    let lists = [
        "/v1/payments?".to_owned(),
        "/v1/payments?status=DONE&".to_owned(),
        "/v1/payments?userId=u1-77&".to_owned(),
        format!("/v1/payments?planId={plan}&"),
        format!("/v1/payments?planId={rare}&"),
        "/v1/payments?from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z&".to_owned(),
        "/v1/payments?to=2020-01-01T00:00:00Z&".to_owned(),
        "/v1/subscriptions?".to_owned(),
        "/v1/subscriptions?isActive=true&".to_owned(),
        "/v1/subscriptions?isActive=false&".to_owned(),
        format!("/v1/subscriptions?planId={plan}&"),
        format!("/v1/subscriptions?planId={rare}&"),
        format!("/v1/subscriptions?isActive=false&planId={rare}&"),
        "/v1/refunds?".to_owned(),
        "/v1/refunds?userId=u1-77&".to_owned(),
        "/v1/event-amounts?".to_owned(),
        "/v1/admin/audit?".to_owned(),
    ];
    for list in lists {
        let first = client.get(&format!("{list}limit=2")).await;
        if let Some(next) = first.expect(200)["nextCursor"].as_str() {
            client.get(&format!("{list}limit=2&cursor={next}")).await.expect(200);
        }
    }
}

async fn nothing_that_callers_wait_for_reads_a_big_table_as_a_whole(world: &World) {
    // SQLite keeps no such count.
    if world.backend == Backend::Sqlite {
        return;
    }
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    crowd::copy(world, &order, MANY).await;
    let rare = world.premium().await;
    for old in [
        // Behind all others, so that who walks to them meets everybody.
        format!("UPDATE subscription SET status = 'EXPIRED', is_active = false, changes_at = NULL, plan_id = '{rare}',
            created_at = created_at - INTERVAL '300 days', start_date = start_date - INTERVAL '300 days',
            end_date = end_date - INTERVAL '300 days'
            WHERE user_id IN ('u1-1', 'u1-2', 'u1-3')"),
        format!("UPDATE payment SET plan_id = '{rare}', created_at = created_at - INTERVAL '300 days'
            WHERE user_id IN ('u1-1', 'u1-2', 'u1-3')"),
    ] {
        world.app.db.read().execute_unprepared(&old).await.expect("set back");
    }
    // A connection tells what it has counted when it ends: until here tables were small.
    world.stop().await;
    let db = &connection(world).await;
    db.execute_unprepared("ANALYZE").await.expect("analyzed");
    alone(db).await;
    let before = (scans(db, &BIG).await, rows_read(db, &BIG).await);
    let (app, client) = world.second_service().await;
    buy_and_give_back(world, &client, &plan).await;
    leaf_through(&client, &plan, &rare).await;
    for job in ["settle-payments", "process-webhooks", "purge-temp-orders"] {
        client.post(&format!("/v1/jobs/{job}/run"), json!({})).await.expect(200);
    }
    app.stopping.cancel();
    alone(db).await;
    assert_eq!(scans(db, &BIG).await, before.0, "somebody read a big table as a whole");
    // Nor by walking through an index until enough is found.
    let read = rows_read(db, &BIG).await - before.1;
    assert!(read < i64::try_from(MANY).expect("a number") / 4, "{read} rows were read");
}

async fn lists_by_the_clock_read_a_page_while_many_wait_for_the_nightly_job(world: &World) {
    // SQLite keeps no such count.
    if world.backend == Backend::Sqlite {
        return;
    }
    // So that many have ended today.
    tomorrow_at(world, 12);
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    crowd::copy(world, &order, MANY).await;
    let rare = world.premium().await;
    world.stop().await;
    let preparing = connection(world).await;
    // A walk from the newest meets all who still run; to sort those who wait is to read them all.
    let few =
        format!("UPDATE subscription SET plan_id = '{rare}' WHERE user_id IN ('u1-70', 'u1-700', 'u1-7000')");
    for sql in [
        "UPDATE subscription SET created_at = created_at - INTERVAL '40 days',
            start_date = start_date - INTERVAL '40 days',
            end_date = created_at - make_interval(secs => NULLIF(split_part(user_id, '-', 2), '')::int * 20),
            changes_at = created_at - make_interval(secs => NULLIF(split_part(user_id, '-', 2), '')::int * 20)
            WHERE NULLIF(split_part(user_id, '-', 2), '')::int <= 10000",
        &few,
        "VACUUM ANALYZE",
    ] {
        preparing.execute_unprepared(sql).await.expect("prepared");
    }
    preparing.close().await.expect("closed");
    let db = &connection(world).await;
    alone(db).await;
    let before = (scans(db, &BIG).await, rows_read(db, &BIG).await);
    let (app, client) = world.second_service().await;
    let mut next = String::new();
    for _ in 0..3 {
        let page = client.get(&format!("/v1/subscriptions?isActive=false&limit=100{next}")).await;
        let page = page.expect(200);
        assert_eq!(page["items"].as_array().map(Vec::len), Some(100));
        next = format!("&cursor={}", page["nextCursor"].as_str().expect("more"));
    }
    client.get("/v1/subscriptions?isActive=true").await.expect(200);
    pages_have(
        &client,
        &[
            (format!("isActive=false&planId={rare}"), 3),
            (format!("isActive=true&planId={rare}"), 0),
            (format!("planId={rare}"), 3),
            (format!("isActive=false&planId={plan}"), 20),
        ],
    )
    .await;
    app.stopping.cancel();
    alone(db).await;
    assert_eq!(scans(db, &BIG).await, before.0, "somebody read a big table as a whole");
    let read = rows_read(db, &BIG).await - before.1;
    assert!(read < 4_000, "{read} rows were read for eight pages");
}

async fn lists_find_the_few_who_run_or_have_ended_among_many_who_do_not(world: &World) {
    // SQLite keeps no such count.
    if world.backend == Backend::Sqlite {
        return;
    }
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    crowd::copy(world, &order, MANY).await;
    let rare = world.premium().await;
    world.stop().await;
    let (few, many) =
        ("user_id IN ('u1-7', 'u1-77', 'u1-777')", "user_id NOT IN ('u1-7', 'u1-77', 'u1-777')");
    let ended = "status = 'EXPIRED', is_active = false, changes_at = NULL, created_at = start_date,
        end_date = start_date + INTERVAL '1 day'";
    // Whose next plan is known, as after every upgrade; nobody's change is due.
    let run = "status = 'ACTIVE', is_active = true, end_date = start_date + INTERVAL '900 days',
        changes_at = start_date + INTERVAL '800 days', created_at = start_date";
    let old = format!(
        "UPDATE subscription SET plan_id = '{rare}', start_date = start_date - INTERVAL '300 days' WHERE {few}"
    );
    for (few_are, many_are, is_active) in [(run, ended, true), (ended, run, false)] {
        let preparing = connection(world).await;
        if is_active {
            preparing.execute_unprepared(&old).await.expect("old");
        }
        for (whose, what) in [(few, few_are), (many, many_are)] {
            let sql = format!("UPDATE subscription SET {what} WHERE {whose}");
            preparing.execute_unprepared(&sql).await.expect("prepared");
        }
        preparing.execute_unprepared("VACUUM ANALYZE").await.expect("analyzed");
        preparing.close().await.expect("closed");
        let db = &connection(world).await;
        alone(db).await;
        let before = (scans(db, &BIG).await, rows_read(db, &BIG).await);
        let (app, client) = world.second_service().await;
        pages_have(
            &client,
            &[
                (format!("isActive={is_active}"), 3),
                (format!("isActive={is_active}&planId={rare}"), 3),
                (format!("isActive={is_active}&planId={plan}"), 0),
                (format!("isActive={}&planId={rare}", !is_active), 0),
                (format!("planId={rare}"), 3),
                (format!("planId={plan}"), 20),
                (String::new(), 20),
            ],
        )
        .await;
        app.stopping.cancel();
        alone(db).await;
        assert_eq!(scans(db, &BIG).await, before.0, "somebody read a big table as a whole");
        let read = rows_read(db, &BIG).await - before.1;
        assert!(read < 1_000, "{read} rows were read for seven pages, where few are active: {is_active}");
    }
}

async fn lists_find_the_few_who_ended_today_among_many_who_will(world: &World) {
    // SQLite keeps no such count.
    if world.backend == Backend::Sqlite {
        return;
    }
    tomorrow_at(world, 3);
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    crowd::copy(world, &order, MANY).await;
    world.stop().await;
    let preparing = connection(world).await;
    for (hours, whose) in
        [("- 1", "user_id IN ('u1-7', 'u1-77')"), ("+ 9", "user_id NOT IN ('u1-7', 'u1-77')")]
    {
        let sql = format!(
            "UPDATE subscription SET start_date = created_at - INTERVAL '30 days',
                end_date = created_at {hours} * INTERVAL '1 hour', changes_at = created_at {hours} * INTERVAL '1 hour'
                WHERE {whose}"
        );
        preparing.execute_unprepared(&sql).await.expect("prepared");
    }
    preparing.execute_unprepared("VACUUM ANALYZE").await.expect("analyzed");
    preparing.close().await.expect("closed");
    let db = &connection(world).await;
    alone(db).await;
    let before = (scans(db, &BIG).await, rows_read(db, &BIG).await);
    let (app, client) = world.second_service().await;
    pages_have(
        &client,
        &[
            ("isActive=false".to_owned(), 2),
            (format!("isActive=false&planId={plan}"), 2),
            (format!("planId={plan}"), 20),
        ],
    )
    .await;
    app.stopping.cancel();
    alone(db).await;
    assert_eq!(scans(db, &BIG).await, before.0, "somebody read a big table as a whole");
    let read = rows_read(db, &BIG).await - before.1;
    assert!(read < 500, "{read} rows were read for three pages");
}

async fn webhooks_are_purged_without_a_look_at_those_that_stay(world: &World) {
    // SQLite keeps no such count.
    if world.backend == Backend::Sqlite {
        return;
    }
    world.forge();
    world.stop().await;
    let preparing = connection(world).await;
    let now = world.app.clock.now().to_rfc3339();
    // Older than what was ignored is kept, and younger than what was done is.
    for (status, days, number) in
        [("DONE", 6, MANY), ("DONE", 20, 3), ("IGNORED", 1, MANY), ("IGNORED", 6, 4)]
    {
        let sql = format!(
            "INSERT INTO webhook (id, dedupe_key, event_type, body, status, outcome, tries, received_at, finished_at)
             SELECT '{status}-{days}-' || n, '{status}-{days}-' || n, 'PAYMENT_STATUS_CHANGED', '{{}}', '{status}', 'READ',
                0, at, at FROM (SELECT n, TIMESTAMPTZ '{now}' - make_interval(days => {days}) AS at
                FROM generate_series(1, {number}) n) s"
        );
        preparing.execute_unprepared(&sql).await.expect("inserted");
    }
    preparing.execute_unprepared("VACUUM ANALYZE webhook").await.expect("analyzed");
    preparing.close().await.expect("closed");
    let db = &connection(world).await;
    let read = "SELECT (SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'webhook') * 1000000
        + SUM(idx_tup_read)::bigint || '' FROM pg_stat_user_indexes WHERE relname = 'webhook'";
    alone(db).await;
    db.execute_unprepared("SELECT pg_stat_reset()").await.expect("reset");
    let (app, client) = world.second_service().await;
    let run = client.post("/v1/jobs/purge-webhooks/run", json!({})).await;
    assert_eq!(run.expect(200)["affected"], 7);
    app.stopping.cancel();
    alone(db).await;
    let read: usize = text(db, read).await.expect("a count").parse().expect("a number");
    assert!(read < 100, "{read} rows were read, where a million stands for the whole table");
}

async fn a_batch_of_the_nightly_job_reads_its_own_rows_and_no_others(world: &World) {
    // SQLite keeps no such count.
    if world.backend == Backend::Sqlite {
        return;
    }
    world.advance(Duration::days(-40));
    let order = world.buy("u1", &world.basic().await).await;
    crowd::copy(world, &order, MANY).await;
    world.stop().await;
    let preparing = connection(world).await;
    // They end one after the other; and a plan is made before the values are known, as it is behind a few batches.
    for sql in [
        "UPDATE subscription SET end_date = end_date - make_interval(secs => right(id, 6)::int),
            changes_at = changes_at - make_interval(secs => right(id, 6)::int) WHERE user_id LIKE 'u1-%'",
        "VACUUM ANALYZE",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET plan_cache_mode = force_generic_plan', current_database()); END $$",
    ] {
        preparing.execute_unprepared(sql).await.expect("prepared");
    }
    preparing.close().await.expect("closed");
    let db = &connection(world).await;
    let read = "SELECT string_agg(indexrelname || ' ' || idx_tup_read / 10000, ', ' ORDER BY indexrelname)
        FROM pg_stat_user_indexes WHERE relname = 'subscription' AND idx_tup_read >= 10000";
    alone(db).await;
    db.execute_unprepared("SELECT pg_stat_reset()").await.expect("reset");
    let (app, client) = world.second_service().await;
    world.advance(Duration::days(40));
    client.post("/v1/jobs/expire-subscriptions/run", json!({})).await.expect(200);
    app.stopping.cancel();
    alone(db).await;
    // To count them, to find the batches' ends, and to change them.
    assert_eq!(text(db, read).await.as_deref(), Some("subscription_due_idx 6"));
    // Counted in more steps than one, each row once.
    let counted = text(db, "SELECT total || ' ' || affected FROM job_run").await;
    assert_eq!(counted, Some(format!("{due} {due}", due = MANY + 1)));
}

//! The same key at the same time: one effect, whoever else asks, hangs up, or takes over.

use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::json;
use toss_sandbox::{Fault, FaultKind, LedgerKind, Operation};

use super::{LEASE, assert_repeats, keys, post, replayed};
use crate::contract::rows::rows;
use crate::support::process::eventually;
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::{Order, World};

scenarios![
    while_the_first_runs_the_second_is_told_so,
    a_long_run_keeps_its_key,
    a_refund_twenty_times_at_once_on_two_services_is_one,
    a_quote_twenty_times_at_once_on_two_services_is_one,
    an_expired_key_twenty_times_at_once_is_new_once,
    the_answer_to_a_caller_that_hangs_up_waits_for_its_next_try,
    a_slow_outcome_is_followed_while_its_request_still_runs,
    who_lost_the_claim_makes_nothing,
    a_key_left_behind_before_anything_was_made_is_taken_over,
];

/// An answer that comes when the faults are cleared.
fn held() -> Fault {
    Fault::new(Operation::Cancel, FaultKind::Delay).delay(Duration::from_secs(600))
}

fn cancel_of(order: &Order) -> String {
    format!("/v1/payments/{}/cancel", order.order_id)
}

fn cancels(world: &World) -> usize {
    world.toss.ledger().into_iter().filter(|entry| entry.kind == LedgerKind::Cancel).count()
}

async fn cancel_arrived(world: &World) {
    eventually("Toss is asked", async || (world.calls_received(Operation::Cancel) > 0).then_some(())).await;
}

async fn while_the_first_runs_the_second_is_told_so(world: &World) {
    let (_app, elsewhere) = world.second_service().await;
    let order = world.buy("u1", &world.basic().await).await;
    let (path, body) = (cancel_of(&order), json!({"cancelReason": "변심", "cancelAmount": 1_000}));
    world.toss.inject(held());
    let first = {
        let (client, path, body) = (world.admin(), path.clone(), body.clone());
        tokio::spawn(async move { post(&client, &path, &body, "k").await })
    };
    cancel_arrived(world).await;
    for client in [&world.admin(), &elsewhere] {
        let second = post(client, &path, &body, "k").await;
        second.expect_problem(409, "REQUEST_IN_PROGRESS");
        assert_eq!((second.header("retry-after"), replayed(&second)), ("1", false));
        let other = json!({"cancelReason": "변심", "cancelAmount": 2_000});
        post(client, &path, &other, "k").await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    }
    world.toss.clear_faults();
    let first = first.await.expect("not cut off");
    first.expect(200);
    assert!(!replayed(&first));
    for client in [&world.admin(), &elsewhere] {
        assert_repeats(&first, &post(client, &path, &body, "k").await);
    }
    assert_eq!((world.calls_received(Operation::Cancel), world.ledger_of(&order)), (1, (1, 8_900)));
}

async fn a_long_run_keeps_its_key(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let (path, body) = (cancel_of(&order), json!({"cancelReason": "변심", "cancelAmount": 1_000}));
    world.toss.inject(held());
    let first = {
        let (client, path, body) = (world.admin(), path.clone(), body.clone());
        tokio::spawn(async move { post(&client, &path, &body, "k").await })
    };
    cancel_arrived(world).await;
    let lease = keys(world).await[0].lease_until;
    // It shows by itself that it goes on.
    eventually("the lease is renewed", async || (keys(world).await[0].lease_until > lease).then_some(()))
        .await;
    assert!(!first.is_finished());
    world.toss.clear_faults();
    first.await.expect("not cut off").expect(200);
}

async fn a_refund_twenty_times_at_once_on_two_services_is_one(world: &World) {
    let (_app, there) = world.second_service().await;
    let (here, order) = (world.admin(), world.buy("u1", &world.basic().await).await);
    let (path, body) = (cancel_of(&order), json!({"cancelReason": "변심", "cancelAmount": 1_000}));
    let calls = (0..20).map(|n| post(if n % 2 == 0 { &here } else { &there }, &path, &body, "k"));
    let replies = join_all(calls).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200 && !replayed(reply)).count(), 1);
    let last = post(&there, &path, &body, "k").await;
    for reply in &replies {
        let same = reply.status == 200 && reply.text == last.text;
        assert!(same || reply.code() == "REQUEST_IN_PROGRESS", "{}", reply.text);
    }
    assert_eq!((cancels(world), world.ledger_of(&order)), (1, (1, 8_900)));
}

async fn a_quote_twenty_times_at_once_on_two_services_is_one(world: &World) {
    let (_app, there) = world.second_service().await;
    let (here, body) = (world.admin(), json!({"planId": world.basic().await, "userId": "u1"}));
    let before = rows(world).await;
    let calls = (0..20).map(|n| post(if n % 2 == 0 { &here } else { &there }, "/v1/temp-orders", &body, "k"));
    let replies = join_all(calls).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201 && !replayed(reply)).count(), 1);
    let last = post(&here, "/v1/temp-orders", &body, "k").await;
    for reply in &replies {
        let same = reply.status == 201 && reply.text == last.text;
        assert!(same || reply.code() == "REQUEST_IN_PROGRESS", "{}", reply.text);
    }
    for ((table, count), (_, before)) in rows(world).await.into_iter().zip(before) {
        let made = ["customer", "idempotency_key", "temp_order"].contains(&table);
        assert_eq!(count - before, u64::from(made), "{table}");
    }
}

async fn an_expired_key_twenty_times_at_once_is_new_once(world: &World) {
    let (_app, there) = world.second_service().await;
    let (here, order) = (world.admin(), world.buy("u1", &world.basic().await).await);
    let (path, body) = (cancel_of(&order), json!({"cancelReason": "변심", "cancelAmount": 1_000}));
    post(&here, &path, &body, "k").await.expect(200);
    world.advance(chrono::Duration::hours(24));
    let now = world.app.clock.now();
    let calls = (0..20).map(|n| post(if n % 2 == 0 { &here } else { &there }, &path, &body, "k"));
    // Meanwhile the expired row is purged as well.
    let (replies, purged) = tokio::join!(join_all(calls), gudok::idempotency::purge(&world.app, now));
    assert!(purged.expect("purged") <= 1);
    assert_eq!(replies.iter().filter(|reply| reply.status == 200 && !replayed(reply)).count(), 1);
    assert_eq!((cancels(world), world.ledger_of(&order)), (2, (1, 7_900)));
    assert_eq!(keys(world).await.len(), 1);
}

async fn the_answer_to_a_caller_that_hangs_up_waits_for_its_next_try(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let (path, body) = (cancel_of(&order), json!({"cancelReason": "변심", "cancelAmount": 1_000}));
    world.toss.inject(held());
    let waiting = {
        let (client, path, body) = (world.service(), path.clone(), body.clone());
        tokio::spawn(async move { post(&client, &path, &body, "k").await })
    };
    cancel_arrived(world).await;
    waiting.abort();
    assert!(waiting.await.is_err_and(|ended| ended.is_cancelled()));
    post(&world.service(), &path, &body, "k").await.expect_problem(409, "REQUEST_IN_PROGRESS");
    world.toss.clear_faults();
    let again = eventually("an answer", async || {
        let again = post(&world.service(), &path, &body, "k").await;
        (again.status != 409).then_some(again)
    })
    .await;
    assert_eq!(again.expect(200)["refund"]["status"], "DONE");
    assert!(replayed(&again));
    assert_eq!((world.calls_received(Operation::Cancel), world.ledger_of(&order)), (1, (1, 8_900)));
}

async fn a_slow_outcome_is_followed_while_its_request_still_runs(world: &World) {
    let (_app, impatient) = world.second_service_with(&[("GUDOK__SERVER__ANSWER_WITHIN_MS", "50")]).await;
    let order = world.buy("u1", &world.basic().await).await;
    let (path, body) = (cancel_of(&order), json!({"cancelReason": "변심", "cancelAmount": 1_000}));
    world.toss.inject(held());
    // On a slow machine the reservation itself can be late; then nobody has been answered, and the key is tried again.
    let first = eventually("the refund is reserved", async || {
        let first = post(&impatient, &path, &body, "k").await;
        (first.status != 503).then_some(first)
    })
    .await;
    assert_eq!(first.expect(202)["refund"]["status"], "PENDING");
    let open = post(&impatient, &path, &body, "k").await;
    assert_eq!(open.expect(202)["refund"], first.body["refund"]);
    assert!(replayed(&open));
    world.toss.clear_faults();
    let done = eventually("the refund is done", async || {
        let again = post(&impatient, &path, &body, "k").await;
        (again.status != 202).then_some(again)
    })
    .await;
    assert_eq!(done.expect(200)["refund"]["id"], first.body["refund"]["id"]);
    assert_eq!((world.calls_received(Operation::Cancel), world.ledger_of(&order)), (1, (1, 8_900)));
}

/// Lets the database give every key to somebody else in the moment in which something is made under it.
const THIEVES: [(&str, &str); 5] = [
    ("plan", "plan_thief"),
    ("refund", "refund_thief"),
    ("temp_order", "temp_order_thief"),
    ("payment_event", "payment_event_thief"),
    ("job_run", "job_run_thief"),
];

async fn let_thieves_in(world: &World) {
    let steal = "UPDATE idempotency_key SET claim = '01a1fe1d-0582-7215-8b7c-9b6826e01933';";
    let db = world.app.db.read();
    if world.backend == Backend::Postgres {
        let function = format!(
            "CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {} RETURN NEW; END'",
            steal.replace('\'', "''")
        );
        db.execute_unprepared(&function).await.expect("a function");
    }
    for (table, thief) in THIEVES {
        let act = match world.backend {
            Backend::Postgres => "FOR EACH ROW EXECUTE FUNCTION steal()".to_owned(),
            Backend::Sqlite => format!("BEGIN {steal} END"),
        };
        let trigger = format!("CREATE TRIGGER {thief} AFTER INSERT ON {table} {act}");
        db.execute_unprepared(&trigger).await.expect("a trigger");
    }
}

async fn drive_thieves_out(world: &World) {
    for (table, thief) in THIEVES {
        let on = if world.backend == Backend::Postgres { format!(" ON {table}") } else { String::new() };
        let gone = world.app.db.read().execute_unprepared(&format!("DROP TRIGGER {thief}{on}")).await;
        gone.expect("dropped");
    }
}

async fn who_lost_the_claim_makes_nothing(world: &World) {
    let plan = world.basic().await;
    let (paid, order) = (world.buy("u1", &plan).await, world.order("u1", &plan).await);
    let failed = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let failure = json!({"orderId": failed.order_id, "code": "PAY_PROCESS_CANCELED", "message": "취소"});
    let new = json!({"code": "NEW", "name": "new", "type": "BASIC", "price": 9_900, "intervalMonths": 1});
    let posts = [
        ("/v1/plans".to_owned(), new, 201),
        (cancel_of(&paid), json!({"cancelReason": "변심", "cancelAmount": 1_000}), 200),
        ("/v1/payments/confirm".to_owned(), order.confirmation(&key), 200),
        ("/v1/payments/fail".to_owned(), failure, 200),
        ("/v1/temp-orders".to_owned(), json!({"planId": plan, "userId": "u1"}), 201),
        ("/v1/jobs/purge-temp-orders/run".to_owned(), json!({}), 200),
    ];
    let (before, asked) = (rows(world).await, world.toss.received().len());
    let_thieves_in(world).await;
    for (path, body, _) in &posts {
        let lost = post(&world.admin(), path, body, path).await;
        assert_eq!((lost.status, lost.code()), (409, "REQUEST_IN_PROGRESS"), "{path}: {}", lost.text);
    }
    // All of it was undone, the theft as well, and Toss was not asked.
    assert_eq!((rows(world).await, world.toss.received().len()), (before, asked));
    drive_thieves_out(world).await;
    for (path, body, status) in &posts {
        let first = post(&world.admin(), path, body, path).await;
        first.expect(*status);
        assert!(!replayed(&first));
    }
    assert_eq!((world.ledger_of(&paid), world.ledger_of(&order)), ((1, 8_900), (1, 9_900)));
}

async fn a_key_left_behind_before_anything_was_made_is_taken_over(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let (path, body) = (cancel_of(&order), json!({"cancelReason": "변심", "cancelAmount": 1_000}));
    post(&world.service(), &path, &body, "k").await.expect(200);
    // As a process leaves it that died right after its claim.
    let forget = "UPDATE idempotency_key SET resource = NULL, response_status = NULL, response_headers = NULL, \
        response_body = NULL";
    world.app.db.read().execute_unprepared(forget).await.expect("forgotten");
    let before = keys(world).await;
    post(&world.service(), &path, &body, "k").await.expect_problem(409, "REQUEST_IN_PROGRESS");
    world.advance(LEASE);
    let other = json!({"cancelReason": "변심", "cancelAmount": 2_000});
    post(&world.service(), &path, &other, "k").await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    let taken = post(&world.service(), &path, &body, "k").await;
    taken.expect(200);
    assert!(!replayed(&taken));
    assert_repeats(&taken, &post(&world.service(), &path, &body, "k").await);
    let after = keys(world).await;
    assert_eq!((after.len(), after[0].id), (1, before[0].id));
    assert_ne!(after[0].claim, before[0].claim, "the old claim must be shut out");
    assert_eq!((after[0].created_at, after[0].expires_at), (before[0].created_at, before[0].expires_at));
}

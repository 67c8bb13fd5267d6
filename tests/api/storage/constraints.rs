//! What the database itself refuses, whatever a bug or a person at a prompt may try.

use sea_orm::ConnectionTrait;
use serde_json::json;
use toss_sandbox::{Fault, FaultKind, Operation};

use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![
    amounts_out_of_range_are_refused,
    unknown_statuses_and_kinds_are_refused,
    what_must_be_unique_cannot_be_doubled,
    records_of_nothing_are_refused,
    money_that_moved_cannot_be_rewritten,
    money_that_moved_cannot_be_replaced_or_truncated,
    a_second_pending_refund_of_an_order_is_refused,
    a_text_in_place_of_an_amount_is_refused,
    a_statement_within_the_rules_is_taken,
];

const CHECK: &str = "check constraint";
const UNIQUE: &str = "unique constraint";
const FOREIGN: &str = "foreign key constraint";
const APPEND: &str = "is append-only";

/// Two users with a month each, one with an event and a partial refund.
async fn business(world: &World) {
    let (basic, event) = (world.basic().await, world.event().await);
    for user in ["u1", "u2"] {
        world.buy(user, &basic).await;
    }
    let order = world.buy("u1", &event).await;
    world.refund(&order, Some(1_000)).await.expect(200);
    world.order("u1", &basic).await;
    world.run_job("expire-subscriptions").await;
}

/// Each statement must be refused for this reason; a mistake in the statement itself would be another.
async fn all_refused(world: &World, reason: &str, statements: &[&str]) {
    for sql in statements {
        let outcome = world.app.db.read().execute_unprepared(sql).await;
        let told = match outcome {
            Ok(done) => panic!("taken, {} rows: {sql}", done.rows_affected()),
            Err(error) => error.to_string().to_lowercase(),
        };
        assert!(told.contains(reason), "{sql}: {told}");
    }
}

async fn amounts_out_of_range_are_refused(world: &World) {
    business(world).await;
    let statements = [
        "UPDATE plan SET price = -1",
        "UPDATE plan SET price = 0",
        "UPDATE temp_order SET total_amount = -9900",
        "UPDATE payment SET amount = -9900, balance_amount = -9900 WHERE status = 'DONE'",
        "UPDATE payment SET balance_amount = -1 WHERE status = 'PARTIAL_CANCELED'",
        "UPDATE payment SET balance_amount = amount + 1 WHERE status = 'PARTIAL_CANCELED'",
        "UPDATE payment SET balance_amount = amount + 1 WHERE status = 'DONE'",
        "UPDATE payment SET balance_amount = amount - 1 WHERE status = 'DONE'",
        "UPDATE payment SET status = 'CANCELED' WHERE status = 'DONE'",
        "UPDATE payment SET approved_at = NULL WHERE status = 'DONE'",
        "UPDATE refund SET amount = 0",
        "UPDATE refund SET amount = -1",
        "UPDATE refund SET amount = expected_balance + 1",
        "UPDATE subscription_period SET amount = -1",
        "UPDATE subscription_period SET ends_at = starts_at",
        "UPDATE subscription_period SET interval_months = 0",
        "UPDATE plan SET interval_months = NULL WHERE type = 'BASIC'",
        "UPDATE plan SET interval_months = 1 WHERE type = 'EVENT'",
        "UPDATE job_run SET affected = -1",
    ];
    all_refused(world, CHECK, &statements).await;
}

async fn unknown_statuses_and_kinds_are_refused(world: &World) {
    business(world).await;
    let statements = [
        "UPDATE plan SET type = 'GOLD'",
        "UPDATE plan SET currency = 'USD'",
        "UPDATE payment SET status = 'PAID', balance_amount = 0",
        "UPDATE payment SET status = 'done', balance_amount = 0",
        "UPDATE payment SET status = '', balance_amount = 0",
        "UPDATE subscription SET status = 'PAUSED'",
        "UPDATE subscription SET status = 'EXPIRED' WHERE status = 'ACTIVE'",
        "UPDATE refund SET status = 'MAYBE'",
        "UPDATE refund SET status = 'PENDING' WHERE status = 'DONE'",
        "UPDATE refund SET transaction_key = NULL WHERE status = 'DONE'",
        "UPDATE job_run SET status = 'LATE'",
        "UPDATE job_run SET status = 'RUNNING' WHERE status = 'DONE'",
        "UPDATE payment SET status = 'IN_PROGRESS', balance_amount = 0, next_settle_at = NULL",
    ];
    all_refused(world, CHECK, &statements).await;
}

async fn what_must_be_unique_cannot_be_doubled(world: &World) {
    business(world).await;
    let running = |id: &str, due: &str| {
        format!(
            "INSERT INTO job_run (id, name, scheduled_for, started_at, status, affected, lease_until)
             VALUES ('{id}', 'settle-payments', '{due}', '{due}', 'RUNNING', 0, '{due}')"
        )
    };
    let db = world.app.db.read();
    db.execute_unprepared(&running("run-1", "2026-01-01T00:00:00.000000Z")).await.expect("the first runs");
    let second = running("run-2", "2026-01-02T00:00:00.000000Z");
    let statements = [
        "INSERT INTO subscription_period SELECT 'another', subscription_id, order_id, plan_id, amount, interval_months, \
         purchased_at, starts_at, ends_at, revoked_at, created_at, renews FROM subscription_period",
        "INSERT INTO subscription SELECT 'another', user_id, plan_id, status, is_active, start_date, end_date, changes_at, \
         created_at, updated_at, periods, periods_as_of FROM subscription WHERE user_id = 'u1'",
        "INSERT INTO customer SELECT 'u3', customer_key, created_at FROM customer WHERE user_id = 'u1'",
        "UPDATE customer SET customer_key = 'one-for-all'",
        "UPDATE payment SET payment_key = 'one-for-all'",
        "UPDATE plan SET code = 'ONE'",
        "INSERT INTO job_run (id, name, scheduled_for, started_at, finished_at, status, affected, lease_until, \
         error) SELECT 'another', name, scheduled_for, started_at, finished_at, status, affected, lease_until, \
         error FROM job_run WHERE status = 'DONE'",
        &second,
    ];
    all_refused(world, UNIQUE, &statements).await;
    // SQLite's guard against INSERT OR REPLACE speaks before its unique key can.
    let first_to_speak = if world.backend == Backend::Sqlite { APPEND } else { UNIQUE };
    let same_move = "INSERT INTO event_amount SELECT 'another', order_id, payment_event_id, amount, created_at \
        FROM event_amount WHERE amount > 0";
    all_refused(world, first_to_speak, &[same_move]).await;
    db.execute_unprepared("DELETE FROM job_run WHERE id = 'run-1'").await.expect("cleaned up");
}

async fn records_of_nothing_are_refused(world: &World) {
    business(world).await;
    let statements = [
        "DELETE FROM customer WHERE user_id = 'u1'",
        "DELETE FROM plan",
        "UPDATE plan SET id = 'another' WHERE type = 'BASIC'",
        "INSERT INTO temp_order SELECT 'another', user_id, 'nothing', order_name, total_amount, currency, \
         interval_months, created_at, expires_at FROM temp_order",
        "DELETE FROM payment",
        "DELETE FROM subscription WHERE user_id = 'u1'",
        "UPDATE payment SET user_id = 'nobody'",
        "UPDATE payment SET plan_id = 'nothing'",
        "UPDATE temp_order SET user_id = 'nobody'",
        "UPDATE temp_order SET plan_id = 'nothing'",
        "UPDATE subscription SET user_id = 'nobody' WHERE user_id = 'u1'",
        "UPDATE subscription SET plan_id = 'nothing'",
        "UPDATE subscription_period SET subscription_id = 'nothing'",
        "UPDATE subscription_period SET order_id = 'nothing' WHERE order_id = (SELECT max(order_id) FROM subscription_period)",
        "UPDATE refund SET order_id = 'nothing'",
        "INSERT INTO event_amount SELECT 'another', 'nothing', id, 1, created_at FROM payment_event \
         WHERE id = (SELECT min(id) FROM payment_event)",
        "INSERT INTO event_amount SELECT 'another', order_id, 'nothing', 1, created_at FROM payment_event \
         WHERE id = (SELECT min(id) FROM payment_event)",
        "INSERT INTO payment_event (id, order_id, to_status, cause, balance_amount, created_at) \
         VALUES ('another', 'nothing', 'DONE', 'CONFIRM', 1, '2026-01-01T00:00:00.000000Z')",
    ];
    all_refused(world, FOREIGN, &statements).await;
}

async fn money_that_moved_cannot_be_rewritten(world: &World) {
    business(world).await;
    let statements = [
        "UPDATE payment_event SET balance_amount = 0",
        "UPDATE payment_event SET message = 'nothing happened'",
        "DELETE FROM payment_event",
        "DELETE FROM payment_event WHERE to_status = 'PARTIAL_CANCELED'",
        "UPDATE event_amount SET amount = amount + 1",
        "DELETE FROM event_amount",
        "DELETE FROM event_amount WHERE amount < 0",
    ];
    all_refused(world, APPEND, &statements).await;
    assert_eq!(world.event_total().await, 4_000);
}

/// Each database has a way to remove rows that is not called a deletion.
async fn money_that_moved_cannot_be_replaced_or_truncated(world: &World) {
    business(world).await;
    let statements: &[&str] = match world.backend {
        Backend::Sqlite => &[
            "INSERT OR REPLACE INTO event_amount SELECT id, order_id, payment_event_id, 1, created_at FROM event_amount",
            "REPLACE INTO payment_event SELECT id, order_id, from_status, to_status, cause, 1, payment_key, idempotency_key, \
             code, message, created_at, payment_method FROM payment_event WHERE to_status = 'IN_PROGRESS'",
        ],
        Backend::Postgres => &["TRUNCATE event_amount", "TRUNCATE payment_event CASCADE"],
    };
    for sql in statements {
        let outcome = world.app.db.read().execute_unprepared(sql).await;
        let told = outcome.map_or_else(|error| error.to_string(), |_| "taken".to_owned());
        assert!(told.contains(APPEND), "{sql}: {told}");
    }
    assert_eq!(world.event_total().await, 4_000);
}

async fn a_second_pending_refund_of_an_order_is_refused(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropBefore));
    let path = format!("/v1/payments/{}/cancel", order.order_id);
    let reply = world.service().post(&path, json!({"cancelReason": "변심", "cancelAmount": 100})).await;
    assert_eq!(reply.expect(202)["refund"]["status"], "PENDING");
    let second = "INSERT INTO refund (id, order_id, amount, reason, status, expected_balance, next_settle_at, settle_tries, \
                  created_at) SELECT 'another', order_id, amount, reason, status, expected_balance, next_settle_at, 0, \
                  created_at FROM refund";
    all_refused(world, UNIQUE, &[second]).await;
}

async fn a_text_in_place_of_an_amount_is_refused(world: &World) {
    business(world).await;
    let reason = match world.backend {
        Backend::Sqlite => "cannot store text value in integer column",
        Backend::Postgres => "invalid input syntax for type bigint",
    };
    all_refused(
        world,
        reason,
        &["UPDATE plan SET price = 'cheap'", "UPDATE payment SET balance_amount = 'all'"],
    )
    .await;
}

/// The statements above are refused for what they say, not because nothing can be said.
async fn a_statement_within_the_rules_is_taken(world: &World) {
    business(world).await;
    let db = world.app.db.read();
    for sql in [
        "UPDATE plan SET price = 12000 WHERE type = 'BASIC'",
        "UPDATE customer SET customer_key = 'another-key' WHERE user_id = 'u1'",
        "DELETE FROM temp_order",
    ] {
        let done = db.execute_unprepared(sql).await.expect(sql);
        assert_eq!(done.rows_affected(), 1, "{sql}");
    }
}

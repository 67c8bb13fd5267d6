//! What PostgreSQL gives up in favour of another transaction is run again; Toss does not notice, and callers hardly ever.

use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::client::{Client, Reply};
use crate::support::crowd::{Hold, awaited_by};
use crate::support::process::eventually;
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::{Order, World};

scenarios![
    a_refund_that_another_transaction_outran_is_recorded_once,
    a_refund_that_lost_a_deadlock_is_recorded_once,
    purchases_and_refunds_at_once_go_through_where_every_transaction_is_serializable,
    what_toss_did_and_the_database_would_not_write_down_is_pending_and_found_out,
];

/// What comes of a call that is sent again, as callers are told, when the database did not get to it (503).
async fn patiently(client: &Client, path: String, body: Value) -> Reply {
    let sent = async || Some(client.post(&path, body.clone()).await).filter(|reply| reply.status != 503);
    eventually("the database gets to it", sent).await
}

/// Has new connections to this world's database begin with this.
async fn connections_begin_with(world: &World, setting: &str, value: &str) {
    let sql = format!(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET {setting} = %L', current_database(), '{value}'); END $$"
    );
    world.app.db.read().execute_unprepared(&sql).await.expect("set");
}

async fn a_refund_that_another_transaction_outran_is_recorded_once(world: &World) {
    // SQLite has one writer at a time.
    if world.backend == Backend::Sqlite {
        return;
    }
    let order = world.buy("u1", &world.basic().await).await;
    connections_begin_with(world, "default_transaction_isolation", "repeatable read").await;
    let (app, client) = world.second_service().await;
    let changed = format!("UPDATE payment SET updated_at = updated_at WHERE order_id = '{}'", order.order_id);
    let hold = Hold::of(world, &changed).await;
    let cancel = format!("/v1/payments/{}/cancel", order.order_id);
    let outruns = async {
        awaited_by(world, 1).await;
        hold.release().await;
    };
    let (reply, ()) = tokio::join!(client.post(&cancel, json!({"cancelReason": "변심"})), outruns);
    assert_eq!(reply.expect(200)["payment"]["status"], "CANCELED");
    // PostgreSQL has refused to go on (40001).
    assert_eq!(app.db.retries().get(), 1);
    assert_eq!(world.calls_received(toss_sandbox::Operation::Cancel), 1);
    app.stopping.cancel();
}

/// Has whoever commits the cancellation of the payment `{order}` take two locks, one after the other.
const TAKES_TWO: &str = "
    CREATE FUNCTION take_two() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock(1); PERFORM pg_advisory_xact_lock(2); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER take_two AFTER UPDATE ON payment DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.order_id = '{order}' AND NEW.status = 'CANCELED') EXECUTE FUNCTION take_two()";

async fn a_refund_that_lost_a_deadlock_is_recorded_once(world: &World) {
    if world.backend == Backend::Sqlite {
        return;
    }
    let order = world.buy("u1", &world.basic().await).await;
    let takes_two = TAKES_TWO.replace("{order}", &order.order_id);
    world.app.db.read().execute_unprepared(&takes_two).await.expect("made");
    connections_begin_with(world, "deadlock_timeout", "10ms").await;
    let (app, client) = world.second_service().await;
    let first = Hold::of(world, "SELECT pg_advisory_xact_lock(1)").await;
    // Who waits longest looks for deadlocks last, and is not the one that is given up.
    let second = Hold::of(world, "SET LOCAL deadlock_timeout = '1h'; SELECT pg_advisory_xact_lock(2)").await;
    let crosses = async {
        awaited_by(world, 1).await;
        let row = format!("SELECT 1 FROM payment WHERE order_id = '{}' FOR UPDATE", order.order_id);
        let meets = async {
            awaited_by(world, 2).await;
            first.release().await;
        };
        tokio::join!(second.also(&row), meets);
        second.release().await;
    };
    let cancel = format!("/v1/payments/{}/cancel", order.order_id);
    let (reply, ()) = tokio::join!(client.post(&cancel, json!({"cancelReason": "변심"})), crosses);
    assert_eq!(reply.expect(200)["payment"]["status"], "CANCELED");
    // PostgreSQL has given it up (40P01).
    assert_eq!(app.db.retries().get(), 1);
    assert_eq!(world.calls_received(toss_sandbox::Operation::Cancel), 1);
    app.stopping.cancel();
}

/// The jobs find out what is open, once nobody counts as working on it any more.
async fn found_out(world: &World) {
    world.advance(chrono::Duration::seconds(10));
    world.settle().await;
}

/// Nearly every call was answered with `status`, and the others with a promise (202) that the jobs keep.
async fn all_become(world: &World, status: &str, (replies, orders): (Vec<Reply>, &[(String, Order)])) {
    let (promised, done): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 202);
    assert!(promised.len() * 4 <= orders.len(), "{} promises", promised.len());
    for reply in done {
        assert_eq!(reply.expect(200)["payment"]["status"], status);
    }
    for (_, order) in orders {
        let kept = async || {
            let become_so = world.payment(order).await["status"] == status;
            if !become_so {
                found_out(world).await;
            }
            become_so.then_some(())
        };
        eventually("the promise is kept", kept).await;
    }
}

async fn purchases_and_refunds_at_once_go_through_where_every_transaction_is_serializable(world: &World) {
    // As some engines that speak PostgreSQL's protocol always do.
    if world.backend == Backend::Sqlite {
        return;
    }
    let (basic, event) = (world.basic().await, world.event().await);
    connections_begin_with(world, "default_transaction_isolation", "serializable").await;
    let services = [world.second_service().await, world.second_service().await];
    let mut orders = Vec::new();
    for number in 0..24 {
        let plan = if number % 4 == 0 { &event } else { &basic };
        let order = world.order(&format!("u{}", number % 8), plan).await;
        orders.push((world.authenticate(&order), order));
    }
    let calls = orders.iter().enumerate().map(|(number, (key, order))| {
        patiently(&services[number % 2].1, "/v1/payments/confirm".to_owned(), order.confirmation(key))
    });
    all_become(world, "DONE", (join_all(calls).await, &orders)).await;
    let cancels = orders.iter().enumerate().map(|(number, (_, order))| {
        let cancel = format!("/v1/payments/{}/cancel", order.order_id);
        patiently(&services[number % 2].1, cancel, json!({"cancelReason": "변심"}))
    });
    all_become(world, "CANCELED", (join_all(cancels).await, &orders)).await;
    assert_eq!(world.event_total().await, 0);
    assert_eq!(world.run_job("reconcile").await, 0);
    for (app, _) in services {
        assert!(app.db.retries().get() > 0, "nobody was in another's way");
        app.stopping.cancel();
    }
}

/// What has the database refuse to write down that a payment is `status`, as if another transaction was preferred each
/// time, and what ends that.
fn refuses(world: &World, status: &str) -> [String; 2] {
    let on = "CREATE TRIGGER refuses BEFORE UPDATE ON payment FOR EACH ROW";
    if world.backend == Backend::Sqlite {
        let body = format!("WHEN NEW.status = '{status}' BEGIN SELECT RAISE(ABORT, 'not now'); END");
        return [format!("{on} {body}"), "DROP TRIGGER refuses".to_owned()];
    }
    let function = "CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END $$";
    let made = format!("{function}; {on} WHEN (NEW.status = '{status}') EXECUTE FUNCTION refuses()");
    [made, "DROP FUNCTION refuses CASCADE".to_owned()]
}

async fn what_toss_did_and_the_database_would_not_write_down_is_pending_and_found_out(world: &World) {
    let run = async |sql: &str| world.app.db.read().execute_unprepared(sql).await.expect("run");
    let client = world.service();
    let order = world.order("u1", &world.basic().await).await;
    let key = world.authenticate(&order);
    let [refuses_it, lets_it] = refuses(world, "DONE");
    run(&refuses_it).await;
    let bought = client.post("/v1/payments/confirm", order.confirmation(&key)).await;
    assert_eq!(bought.expect(202)["payment"]["status"], "IN_PROGRESS");
    run(&lets_it).await;
    found_out(world).await;
    assert_eq!(world.payment(&order).await["status"], "DONE");
    let [refuses_it, lets_it] = refuses(world, "CANCELED");
    run(&refuses_it).await;
    let cancel = format!("/v1/payments/{}/cancel", order.order_id);
    let back = client.post(&cancel, json!({"cancelReason": "변심"})).await;
    assert_eq!(back.expect(202)["payment"]["status"], "DONE");
    run(&lets_it).await;
    found_out(world).await;
    assert_eq!(world.payment(&order).await["status"], "CANCELED");
    for (operation, calls) in [(toss_sandbox::Operation::Confirm, 1), (toss_sandbox::Operation::Cancel, 1)] {
        assert_eq!(world.calls_received(operation), calls);
    }
}

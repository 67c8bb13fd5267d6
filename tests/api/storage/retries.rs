//! What PostgreSQL gives up in favour of another transaction is run again, and neither Toss nor the caller notices.

use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::client::{Client, Reply};
use crate::support::crowd::{Hold, awaited_by};
use crate::support::process::eventually;
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![
    a_refund_that_another_transaction_outran_is_recorded_once,
    a_refund_that_lost_a_deadlock_is_recorded_once,
    purchases_and_refunds_at_once_go_through_where_every_transaction_is_serializable,
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
    for reply in join_all(calls).await {
        assert_eq!(reply.expect(200)["payment"]["status"], "DONE");
    }
    let cancels = orders.iter().enumerate().map(|(number, (_, order))| {
        let cancel = format!("/v1/payments/{}/cancel", order.order_id);
        patiently(&services[number % 2].1, cancel, json!({"cancelReason": "변심"}))
    });
    for reply in join_all(cancels).await {
        assert_eq!(reply.expect(200)["payment"]["status"], "CANCELED");
    }
    assert_eq!(world.event_total().await, 0);
    for (app, _) in services {
        app.stopping.cancel();
    }
}

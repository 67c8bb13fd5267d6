//! Many writers at once, in several services on one database: some wait, none meets an error.

use std::collections::HashSet;

use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::support::crowd::{Hold, awaited_by};
use crate::support::process::eventually;
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![
    forty_quotes_at_once_by_two_services_never_meet_an_error,
    forty_purchases_at_once_by_two_services_never_meet_an_error,
    nobody_waits_for_anothers_purchase_of_the_same_plan,
    who_only_asks_is_answered_while_all_who_write_wait,
];

async fn forty_quotes_at_once_by_two_services_never_meet_an_error(world: &World) {
    let plan = world.basic().await;
    let (second, client) = world.second_service().await;
    let clients = [world.service(), client];
    let calls = (0..40).map(|number| {
        let body = json!({"planId": plan, "userId": format!("u{}", number % 5)});
        clients[number % 2].post("/v1/temp-orders", body)
    });
    let mut ids = HashSet::new();
    let mut customers = HashSet::new();
    for reply in futures_util::future::join_all(calls).await {
        let body = reply.expect(201);
        ids.insert(body["orderId"].as_str().expect("an order id").to_owned());
        customers.insert((body["userId"].to_string(), body["customerKey"].to_string()));
    }
    assert_eq!((ids.len(), customers.len()), (40, 5), "each order its own id, each user one key");
    second.stopping.cancel();
}

async fn forty_purchases_at_once_by_two_services_never_meet_an_error(world: &World) {
    let (basic, event) = (world.basic().await, world.event().await);
    let (second, client) = world.second_service().await;
    let clients = [world.service(), client];
    let mut orders = Vec::new();
    for number in 0..40 {
        let plan = if number % 4 == 0 { &event } else { &basic };
        let order = world.order(&format!("u{}", number % 8), plan).await;
        orders.push((world.authenticate(&order), order));
    }
    let calls = orders.iter().enumerate().map(|(number, (key, order))| {
        clients[number % 2].post("/v1/payments/confirm", order.confirmation(key))
    });
    for reply in futures_util::future::join_all(calls).await {
        assert_eq!(reply.expect(200)["payment"]["status"], "DONE");
    }
    assert_eq!(world.event_total().await, 10 * 5_000);
    second.stopping.cancel();
}

/// Stops whoever commits a change of the payment `{order}` for as long as another holds the lock `{lock}`: everything that the
/// transaction locks is locked then.
const STOPS: &str = "
    CREATE FUNCTION wait_{lock}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared({lock}); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER wait_{lock} AFTER INSERT OR UPDATE ON payment DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.order_id = '{order}' AND NEW.status = '{status}') EXECUTE FUNCTION wait_{lock}()";

async fn nobody_waits_for_anothers_purchase_of_the_same_plan(world: &World) {
    // SQLite has one writer at a time.
    if world.backend == Backend::Sqlite {
        return;
    }
    let plans = [world.basic().await, world.event().await];
    let mut lock = 0;
    for plan in &plans {
        world.buy("before", plan).await;
        // When it is claimed, and when it is recorded.
        for status in ["IN_PROGRESS", "DONE"] {
            lock += 1;
            let order = world.order(&format!("u{lock}"), plan).await;
            let key = world.authenticate(&order);
            let stops = STOPS.replace("{lock}", &lock.to_string()).replace("{order}", &order.order_id);
            let stops = stops.replace("{status}", status);
            world.app.db.read().execute_unprepared(&stops).await.expect("made");
            let hold = Hold::of(world, &format!("SELECT pg_advisory_xact_lock({lock})")).await;
            let others = async {
                awaited_by(world, 1).await;
                world.buy(&format!("other-{lock}"), plan).await;
                world.buy("before", plan).await;
                hold.release().await;
            };
            let (reply, ()) = tokio::join!(world.confirm(&order, &key), others);
            assert_eq!(reply.expect(200)["payment"]["status"], "DONE");
        }
    }
}

async fn who_only_asks_is_answered_while_all_who_write_wait(world: &World) {
    if world.backend == Backend::Sqlite {
        return;
    }
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let (second, client) = world.second_service_with(&[("GUDOK__DATABASE__MAX_CONNECTIONS", "3")]).await;
    let hold = Hold::of(world, "LOCK TABLE temp_order IN EXCLUSIVE MODE").await;
    let quotes = join_all((0..6).map(|number| {
        client.post("/v1/temp-orders", json!({"planId": plan, "userId": format!("u{number}")}))
    }));
    let asks = async {
        awaited_by(world, 2).await;
        let counted = async || {
            let metrics = client.get("/metrics").await.text;
            metrics.contains("\ngudok_database_writers_waiting 4\n").then_some(())
        };
        eventually("the others wait for a turn", counted).await;
        for _ in 0..3 {
            client.get("/v1/users/u1/subscription").await.expect(200);
            client.get(&format!("/v1/payments/{}", order.order_id)).await.expect(200);
            client.get("/readyz").await.expect(200);
        }
        hold.release().await;
    };
    let (quotes, ()) = tokio::join!(quotes, asks);
    for reply in quotes {
        reply.expect(201);
    }
    second.stopping.cancel();
}

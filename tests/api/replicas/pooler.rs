//! `PgBouncer` in transaction mode between several processes and PostgreSQL: every transaction may meet another server.

use std::collections::HashMap;

use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::json;

use super::settings;
use crate::support::client::{Client, SERVICE_KEY};
use crate::support::pooler::Pooler;
use crate::support::process::{Serving, complaint, eventually, run};
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::{Order, World};

pub(crate) use crate::support::pooler::missing;

scenarios![
    processes_that_share_three_servers_sell_refund_and_run_jobs,
    a_pooler_that_mixes_up_statements_is_refused,
    a_schema_is_not_changed_by_way_of_a_pooler,
    a_statement_timeout_that_a_pooler_drops_is_missed,
];

const DATABASE: &str = "GUDOK__DATABASE__URL";
const BUYERS: usize = 8;

/// A pooler in front of the world's database, with `servers` connections and so many prepared `statements` on each, and
/// the settings of a process behind it; none on SQLite.
async fn behind(
    world: &World,
    servers: usize,
    statements: usize,
) -> Option<(Pooler, HashMap<String, String>)> {
    if world.backend == Backend::Sqlite {
        return None;
    }
    let own = &world.variables[DATABASE];
    let pooler = Pooler::start(own, servers, statements).await;
    let variables = settings(world, &[(DATABASE, &pooler.url(own))]);
    Some((pooler, variables))
}

/// Buys at one process and gives every other purchase back at the other.
async fn trade(world: &World, plan: &str, buyer: usize, clients: &[Client]) {
    for number in 0..4 {
        let user = format!("buyer-{buyer}-{number}");
        let (here, there) = (&clients[number % 2], &clients[(number + 1) % 2]);
        let reply = here.post("/v1/temp-orders", json!({"planId": plan, "userId": user})).await;
        let order_id = reply.expect(201)["orderId"].as_str().expect("an id").to_owned();
        let order = Order { order_id, amount: 9_900 };
        let key = world.authenticate(&order);
        let reply = there.post("/v1/payments/confirm", order.confirmation(&key)).await;
        assert_eq!(reply.expect(200)["payment"]["status"], "DONE");
        let path = format!("/v1/users/{user}/subscription");
        assert_eq!(here.get(&path).await.expect(200)["isActive"], true);
        if number % 2 == 1 {
            let cancel = format!("/v1/payments/{}/cancel", order.order_id);
            here.post(&cancel, json!({"cancelReason": "변심"})).await.expect(200);
            assert_eq!(there.get(&path).await.expect(200)["isActive"], false);
        }
    }
}

async fn processes_that_share_three_servers_sell_refund_and_run_jobs(world: &World) {
    // Fewer statements than there are: some are prepared again and again.
    let Some((pooler, variables)) = behind(world, 3, 20).await else { return };
    let plan = world.basic().await;
    let replicas = join_all((0..2).map(|_| Serving::start(&variables))).await;
    let clients: Vec<Client> = replicas.iter().map(|replica| replica.client(Some(SERVICE_KEY))).collect();
    join_all((0..BUYERS).map(|buyer| trade(world, &plan, buyer, &clients))).await;
    for job in ["expire-subscriptions", "check", "reconcile"] {
        eventually("the nightly jobs run", async || {
            let reply = world.admin().get("/v1/jobs").await;
            let jobs = reply.expect(200)["items"].as_array().expect("jobs").clone();
            jobs.iter().find(|own| own["name"] == job && own["lastRun"]["status"] == "DONE").map(drop)
        })
        .await;
    }
    let checked = run(&variables, &["check"]).await;
    assert!(checked.status.success(), "{}", complaint(&checked));
    for mut replica in replicas {
        replica.terminate();
        assert_eq!(replica.ended().await, Some(0));
        let failed = |line: &&serde_json::Value| line["level"] == "ERROR";
        assert_eq!(replica.lines().iter().filter(failed).count(), 0, "{}", replica.said());
    }
    drop(pooler);
}

async fn a_pooler_that_mixes_up_statements_is_refused(world: &World) {
    let Some((pooler, variables)) = behind(world, 3, 0).await else { return };
    for command in ["serve", "migrate", "check"] {
        let ended = run(&variables, &[command]).await;
        assert!(!ended.status.success(), "{command}");
        assert!(complaint(&ended).contains("mixes up the prepared statements"), "{}", complaint(&ended));
    }
    drop(pooler);
}

async fn a_schema_is_not_changed_by_way_of_a_pooler(world: &World) {
    for servers in [3, 1] {
        let Some((pooler, variables)) = behind(world, servers, 200).await else { return };
        let ended = run(&variables, &["migrate"]).await;
        assert!(!ended.status.success());
        assert!(complaint(&ended).contains("the URL of PostgreSQL itself"), "{}", complaint(&ended));
        // It has left no lock behind that the next one would wait for.
        let direct = settings(world, &[]);
        assert!(run(&direct, &["migrate"]).await.status.success());
        drop(pooler);
    }
}

async fn a_statement_timeout_that_a_pooler_drops_is_missed(world: &World) {
    let Some((pooler, variables)) = behind(world, 3, 200).await else { return };
    let missed = async || complaint(&run(&variables, &["check"]).await).contains("drops statement_timeout");
    assert!(missed().await);
    // As the operator's guide says.
    let set =
        "DO $$ BEGIN EXECUTE format('ALTER ROLE postgres IN DATABASE %I SET statement_timeout = ''10s''',
        current_database()); END $$";
    world.app.db.read().execute_unprepared(set).await.expect("set");
    drop(pooler);
    let own = &world.variables[DATABASE];
    let pooler = Pooler::start(own, 3, 200).await;
    let mut variables = world.variables.clone();
    variables.insert(DATABASE.to_owned(), pooler.url(own));
    let ended = run(&variables, &["check"]).await;
    assert!(
        ended.status.success() && !complaint(&ended).contains("statement_timeout"),
        "{}",
        complaint(&ended)
    );
}

//! A database that goes away and comes back: callers are told to try again, and nobody restarts the service.

use futures_util::future::join_all;
use gudok::app::App;
use gudok::config::Config;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, Statement};
use serde_json::json;

use crate::support::client::{ADMIN_KEY, Client, SERVICE_KEY};
use crate::support::postgres::Cluster;
use crate::support::process::eventually;
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![
    a_service_outlives_an_outage_of_its_database,
    a_service_on_a_database_that_takes_no_writes_is_not_ready,
    a_purchase_whose_connection_dies_in_the_middle_is_made_on_another,
    who_reads_over_a_connection_that_died_is_answered_over_another,
];

async fn a_service_outlives_an_outage_of_its_database(world: &World) {
    if world.backend == Backend::Sqlite {
        // SQLite is a file in the same machine: there is no server that could go away.
        return;
    }
    let mut cluster = Cluster::start();
    let config = migrated(world, &cluster).await;
    let app = App::build(config, world.app.clock.clone()).await.expect("built");
    let service = gudok::run::start(&app).await.expect("serving");
    let client = Client::new(&format!("http://{}", service.address()), Some(SERVICE_KEY.to_owned()));
    client.get("/readyz").await.expect(200);
    client.get("/v1/users/u1/subscription").await.expect_problem(404, "SUBSCRIPTION_NOT_FOUND");

    cluster.halt();
    let order = json!({"paymentKey": "key", "orderId": "order-0001", "amount": 9_900});
    for _ in 0..2 {
        let read = client.get("/v1/users/u1/subscription").await;
        let write = client.post("/v1/payments/confirm", order.clone()).await;
        for reply in [read, write] {
            reply.expect_problem(503, "DATABASE_UNAVAILABLE");
            assert!(!reply.header("retry-after").is_empty());
        }
        client.get("/readyz").await.expect_problem(503, "DATABASE_UNAVAILABLE");
    }
    // The process itself is well: restarting it would not help.
    client.get("/healthz").await.expect(200);
    // Whoever watches sees both.
    let operator = client.with_token(Some(ADMIN_KEY));
    let metrics = operator.get("/metrics").await;
    metrics.expect(200);
    assert!(metrics.text.contains("\ngudok_database_up 0\n"), "{}", metrics.text);
    assert!(metrics.text.contains("gudok_http_requests_total{"), "{}", metrics.text);
    assert!(!metrics.text.contains("gudok_payments_unknown"), "stale: {}", metrics.text);

    cluster.resume();
    eventually("ready again", async || (client.get("/readyz").await.status == 200).then_some(())).await;
    assert!(operator.get("/metrics").await.text.contains("\ngudok_database_up 1\n"));
    client.get("/v1/users/u1/subscription").await.expect_problem(404, "SUBSCRIPTION_NOT_FOUND");
    client.post("/v1/payments/confirm", order).await.expect_problem(404, "ORDER_NOT_FOUND");
    app.stopping.cancel();
    service.finished().await.expect("a clean stop");
}

async fn a_service_on_a_database_that_takes_no_writes_is_not_ready(world: &World) {
    if world.backend == Backend::Sqlite {
        return;
    }
    let cluster = Cluster::start();
    let config = migrated(world, &cluster).await;
    // As every session of a standby begins.
    let owner = Database::connect(cluster.url("postgres")).await.expect("connected");
    let lock = "ALTER DATABASE postgres SET default_transaction_read_only = on";
    owner.execute_unprepared(lock).await.expect("locked");
    let app = App::build(config, world.app.clock.clone()).await.expect("built");
    let service = gudok::run::start(&app).await.expect("serving");
    let client = Client::new(&format!("http://{}", service.address()), Some(ADMIN_KEY.to_owned()));
    client.get("/readyz").await.expect_problem(503, "DATABASE_UNAVAILABLE");
    client.get("/v1/users/u1/subscription").await.expect_problem(404, "SUBSCRIPTION_NOT_FOUND");
    let plan = json!({"code": "P", "name": "P", "type": "BASIC", "price": 9_900, "intervalMonths": 1});
    client.post("/v1/plans", plan).await.expect_problem(503, "DATABASE_UNAVAILABLE");
    app.stopping.cancel();
    service.finished().await.expect("a clean stop");
}

/// Settings for a service on a cluster of its own, whose schema is there.
async fn migrated(world: &World, cluster: &Cluster) -> Config {
    let mut variables = world.variables.clone();
    variables.insert("GUDOK__DATABASE__URL".to_owned(), cluster.url("postgres"));
    let config = Config::from_variables(variables).expect("valid settings");
    gudok::db::migrate::up(&config.database.url).await.expect("migrated");
    config
}

async fn a_purchase_whose_connection_dies_in_the_middle_is_made_on_another(world: &World) {
    if world.backend == Backend::Sqlite {
        return;
    }
    let order = world.order("u1", &world.basic().await).await;
    let key = world.authenticate(&order);
    let mut one = ConnectOptions::new(&world.variables["GUDOK__DATABASE__URL"]);
    one.max_connections(1);
    let other = Database::connect(one).await.expect("connected");
    other.execute_unprepared("BEGIN; LOCK TABLE payment IN ACCESS EXCLUSIVE MODE").await.expect("held");
    let cut = async {
        // The server ends whoever waits for the table, as it ends all when it is stopped.
        let end = "SELECT 1 FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock') AS ended";
        let statement = || Statement::from_string(other.get_database_backend(), end);
        let ended = async || other.query_one_raw(statement()).await.expect("asked");
        eventually("somebody waits for the table, and is cut off", ended).await;
        other.execute_unprepared("COMMIT").await.expect("let go");
    };
    let (reply, ()) = tokio::join!(world.confirm(&order, &key), cut);
    assert_eq!(reply.expect(200)["payment"]["status"], "DONE");
    assert_eq!((world.confirms_received(&order), world.ledger_of(&order)), (1, (1, 9_900)));
}

async fn who_reads_over_a_connection_that_died_is_answered_over_another(world: &World) {
    if world.backend == Backend::Sqlite {
        return;
    }
    let order = world.buy("u1", &world.basic().await).await;
    let mut one = ConnectOptions::new(&world.variables["GUDOK__DATABASE__URL"]);
    one.max_connections(1);
    let other = Database::connect(one).await.expect("connected");
    let end = "SELECT 1 FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()) AS ended";
    let path = format!("/v1/payments/{}", order.order_id);
    let client = world.service();
    for _ in 0..5 {
        // As many connections as there may be, all of them in use a moment ago, when nobody looks whether they live.
        for reply in join_all((0..16).map(|_| client.get(&path))).await {
            reply.expect(200);
        }
        let statement = Statement::from_string(other.get_database_backend(), end);
        other.query_all_raw(statement).await.expect("ended");
        let (payments, checks) = tokio::join!(
            join_all((0..8).map(|_| client.get(&path))),
            join_all((0..8).map(|_| client.get("/v1/users/u1/subscription"))),
        );
        for reply in payments.iter().chain(&checks) {
            reply.expect(200);
        }
    }
}

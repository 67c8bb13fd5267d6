//! How SQLite answers the statements of a service that is used, by its own word: it keeps no count of what it reads.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;

use super::pages::{JOBS, lists};
use super::scans::{buy_and_give_back, leaf_through};
use crate::support::client::ADMIN_KEY;
use crate::support::process::Serving;
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![no_statement_of_a_service_in_use_walks_through_a_table_that_grows];

/// What stays small, as plans call it: tables, `SELECT`s of no table, and the one row of a subquery that sums up.
const SMALL: [&str; 5] = ["plan", "seaql_migrations", "sqlite_master", "CONSTANT", "o"];
/// Indexes of what is open or under way, and of nothing else.
const OPEN: [&str; 2] = ["finding_open_kind_idx", "job_run_one_running_key"];

async fn no_statement_of_a_service_in_use_walks_through_a_table_that_grows(world: &World) {
    // PostgreSQL counts.
    if world.backend == Backend::Postgres {
        return;
    }
    let (plan, event) = (world.basic().await, world.event().await);
    let mut variables = world.variables.clone();
    variables.insert("RUST_LOG".to_owned(), "info,gudok::db=trace".to_owned());
    let mut serving = Serving::start(&variables).await;
    let client = serving.client(Some(ADMIN_KEY));
    buy_and_give_back(world, &client, &plan).await;
    let order = world.order_by(&client, "u1-77", &event).await;
    let confirmation = order.confirmation(&world.authenticate(&order));
    client.post("/v1/payments/confirm", confirmation).await.expect(200);
    leaf_through(&client, &plan, &event).await;
    for (list, _) in lists(&plan) {
        client.get(&format!("{list}limit=2")).await.expect(200);
    }
    for page in ["/v1/jobs", "/metrics", "/readyz"] {
        client.get(page).await.expect(200);
    }
    for job in JOBS.into_iter().chain(["expire-subscriptions"]) {
        client.post(&format!("/v1/jobs/{job}/run"), json!({})).await.expect(200);
    }
    serving.terminate();
    assert_eq!(serving.ended().await, Some(0));
    let lines = serving.lines();
    let said =
        lines.iter().filter(|line| line["message"] == "statement").filter_map(|line| line["sql"].as_str());
    let statements: BTreeSet<&str> = said.collect();
    assert!(statements.len() > 60, "only {} statements were seen", statements.len());
    let mut walks = Vec::new();
    for sql in statements {
        walks.extend(walks_of(world, sql).await.into_iter().map(|step| format!("{step}: {sql}")));
    }
    assert!(walks.is_empty(), "{}", walks.join("\n\n"));
}

/// The steps of `sql` that read a whole table or index, but for those that go through an index until they have enough.
async fn walks_of(world: &World, sql: &str) -> Vec<String> {
    if !["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].iter().any(|word| sql.trim_start().starts_with(word))
    {
        return Vec::new();
    }
    let db = world.app.db.read();
    let plan = Statement::from_string(db.get_database_backend(), format!("EXPLAIN QUERY PLAN {sql}"));
    let steps = db.query_all_raw(plan).await.expect("a plan");
    let steps = steps.iter().map(|step| step.try_get::<String>("", "detail").expect("a step"));
    let walks = |step: &String| {
        let Some(whole) = step.strip_prefix("SCAN ") else { return false };
        let table = whole.split(' ').next().unwrap_or_default();
        let enough = whole.contains(" USING ") && sql.contains("LIMIT");
        let is_open = OPEN.iter().any(|index| whole.ends_with(&format!(" USING INDEX {index}")));
        !enough && !is_open && !SMALL.contains(&table)
    };
    steps.filter(walks).collect()
}

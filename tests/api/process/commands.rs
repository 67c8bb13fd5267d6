//! The other commands: `migrate`, `job run`, `openapi`, and what is said of those that are none.

use sea_orm::ConnectionTrait;
use serde_json::Value;

use crate::support::process::{complaint, run};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    migrating_several_times_at_once_leaves_one_whole_schema,
    migrating_down_drops_everything_only_when_said_twice,
    an_older_version_leaves_a_newer_schema_as_it_is,
    whether_a_service_lives_is_not_whether_it_is_ready,
    a_job_run_by_hand_prints_its_run,
    an_unknown_job_is_refused_with_the_names_there_are,
    an_unknown_command_is_refused,
];

async fn migrating_several_times_at_once_leaves_one_whole_schema(world: &World) {
    let (variables, _folder) = world.empty_database().await;
    let runs = (0..3).map(|_| run(&variables, &["migrate"]));
    let ended = futures_util::future::join_all(runs).await;
    // Containers that start together all migrate, and each must go on to serve.
    for migrated in &ended {
        assert!(migrated.status.success(), "{}", complaint(migrated));
    }
    let again = run(&variables, &["migrate"]).await;
    assert!(again.status.success(), "{}", complaint(&again));
    let ended = run(&variables, &["job", "run", "expire-subscriptions"]).await;
    assert!(ended.status.success(), "{}", complaint(&ended));
}

async fn migrating_down_drops_everything_only_when_said_twice(world: &World) {
    let (variables, _folder) = world.empty_database().await;
    let job = ["job", "run", "expire-subscriptions"];
    assert!(run(&variables, &["migrate"]).await.status.success());
    let ended = run(&variables, &["migrate", "--down"]).await;
    assert!(!ended.status.success());
    assert!(complaint(&ended).contains("--yes-drop-all-data"), "{}", complaint(&ended));
    assert!(run(&variables, &job).await.status.success(), "it was dropped all the same");
    assert!(!run(&variables, &["migrate", "--yes-drop-all-data"]).await.status.success());
    let ended = run(&variables, &["migrate", "--down", "--yes-drop-all-data"]).await;
    assert!(ended.status.success(), "{}", complaint(&ended));
    assert!(!run(&variables, &job).await.status.success(), "nothing was dropped");
    let ended = run(&variables, &["migrate"]).await;
    assert!(ended.status.success(), "{}", complaint(&ended));
    assert!(run(&variables, &job).await.status.success());
}

async fn an_older_version_leaves_a_newer_schema_as_it_is(world: &World) {
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99991231_000001_of_a_newer_version', 0)";
    world.app.db.read().execute_unprepared(newer).await.expect("a step that this version does not know");
    // A container that is started again in the middle of a roll-out, or to go back, migrates first.
    let ended = run(&world.variables, &["migrate"]).await;
    assert!(ended.status.success(), "{}", complaint(&ended));
    world.service().get("/readyz").await.expect(200);
}

async fn whether_a_service_lives_is_not_whether_it_is_ready(world: &World) {
    let mut variables = world.variables.clone();
    let bound = world.base.trim_start_matches("http://").to_owned();
    variables.insert("GUDOK__SERVER__BIND".to_owned(), bound);
    assert!(run(&variables, &["health"]).await.status.success());
    let forget = "DELETE FROM seaql_migrations";
    world.app.db.read().execute_unprepared(forget).await.expect("a schema that is too old");
    assert!(!run(&variables, &["health"]).await.status.success());
    assert!(run(&variables, &["health", "--alive"]).await.status.success());
}

/// Every job that there is.
const JOBS: [&str; 8] = [
    "expire-subscriptions",
    "settle-payments",
    "purge-temp-orders",
    "process-webhooks",
    "purge-webhooks",
    "purge-idempotency-keys",
    "reconcile",
    "check",
];

async fn a_job_run_by_hand_prints_its_run(world: &World) {
    world.buy("u1", &world.basic().await).await;
    for name in JOBS {
        let ended = run(&world.variables, &["job", "run", name]).await;
        assert!(ended.status.success(), "{}", complaint(&ended));
        // The result alone is on standard output, so that it can be piped.
        let printed: Value = serde_json::from_slice(&ended.stdout).expect("JSON and nothing else");
        assert_eq!((&printed["name"], &printed["status"]), (&name.into(), &"DONE".into()));
        assert_eq!(printed["affected"], 0, "{printed}");
        let runs = world.admin().get(&format!("/v1/jobs/{name}/runs")).await;
        assert_eq!(runs.expect(200)["items"][0], printed);
    }
}

async fn an_unknown_job_is_refused_with_the_names_there_are(world: &World) {
    let ended = run(&world.variables, &["job", "run", "expire"]).await;
    assert_eq!(ended.status.code(), Some(1));
    for name in JOBS {
        assert!(complaint(&ended).contains(name), "{}", complaint(&ended));
    }
    assert!(ended.stdout.is_empty());
}

async fn an_unknown_command_is_refused(world: &World) {
    for arguments in [&["frobnicate"][..], &[], &["serve", "--port", "1"], &["job", "run"]] {
        let ended = run(&world.variables, arguments).await;
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {}", complaint(&ended));
    }
}

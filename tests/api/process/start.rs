//! Starting: `gudok serve` either serves, or says by name what is missing and ends.

use crate::support::process::{Serving, complaint, eventually, run};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    serve_without_toss_keys_refuses_by_name,
    serve_with_an_unknown_key_refuses_by_name,
    serve_with_a_value_of_a_wrong_type_refuses_by_name,
    serve_refuses_an_unmigrated_database_and_names_the_remedy,
    migrate_and_then_serve_is_ready,
    serve_says_which_toss_and_which_kind_of_key_it_uses,
    serve_without_its_database_ends,
    serve_on_a_port_in_use_ends,
];

async fn serve_without_toss_keys_refuses_by_name(world: &World) {
    for key in ["GUDOK__TOSS__SECRET_KEY", "GUDOK__TOSS__CLIENT_KEY"] {
        let mut variables = world.variables.clone();
        variables.remove(key);
        let ended = run(&variables, &["serve"]).await;
        assert_eq!(ended.status.code(), Some(1), "{}", complaint(&ended));
        assert!(complaint(&ended).contains(key), "{}", complaint(&ended));
    }
}

async fn refuses(world: &World, key: &str, value: &str, named: &str) {
    let mut variables = world.variables.clone();
    variables.insert(key.to_owned(), value.to_owned());
    let ended = run(&variables, &["serve"]).await;
    assert_eq!(ended.status.code(), Some(1), "{key}: {}", complaint(&ended));
    assert!(complaint(&ended).contains(named), "{key}: {}", complaint(&ended));
}

async fn serve_with_an_unknown_key_refuses_by_name(world: &World) {
    refuses(world, "GUDOK__SERVER__BINDD", "127.0.0.1:0", "bindd").await;
    refuses(world, "GUDOK__TOS__SECRET_KEY", "test_sk_x", "tos").await;
}

async fn serve_with_a_value_of_a_wrong_type_refuses_by_name(world: &World) {
    refuses(world, "GUDOK__SERVER__BIND", "everywhere", "server.bind").await;
    refuses(world, "GUDOK__BILLING__REFUND_WINDOW_DAYS", "-1", "billing.refund_window_days").await;
    refuses(world, "GUDOK__SCHEDULER__ENABLED", "perhaps", "scheduler.enabled").await;
    refuses(world, "GUDOK__TOSS__CLIENT_KEY", "live_ck_x", "toss.client_key").await;
}

async fn serve_refuses_an_unmigrated_database_and_names_the_remedy(world: &World) {
    let (variables, _folder) = world.empty_database().await;
    for arguments in [&["serve"][..], &["job", "run", "expire-subscriptions"]] {
        let ended = run(&variables, arguments).await;
        assert_eq!(ended.status.code(), Some(1), "{}", complaint(&ended));
        assert!(complaint(&ended).contains("gudok migrate"), "{}", complaint(&ended));
    }
}

async fn migrate_and_then_serve_is_ready(world: &World) {
    let (variables, _folder) = world.empty_database().await;
    for _ in 0..2 {
        let migrated = run(&variables, &["migrate"]).await;
        assert!(migrated.status.success(), "{}", complaint(&migrated));
    }
    let mut serving = Serving::start(&variables).await;
    let client = serving.client(None);
    assert_eq!(client.get("/readyz").await.expect(200)["database"], "ok");
    client.get("/healthz").await.expect(200);
    assert_eq!(client.get("/v1/plans").await.expect(200)["items"].as_array().map(Vec::len), Some(0));
    serving.terminate();
    assert_eq!(serving.ended().await, Some(0), "{}", serving.said());
}

async fn serve_says_which_toss_and_which_kind_of_key_it_uses(world: &World) {
    let serving = Serving::start(&world.variables).await;
    let lines = serving.lines();
    let line = lines.iter().find(|line| line["message"] == "starting").expect("a first line");
    let said = line["toss"].as_str().unwrap_or_default();
    assert_eq!(said.trim_end_matches('/'), world.toss.url().trim_end_matches('/'));
    assert!(line["key"].as_str().is_some_and(|kind| kind.starts_with("test")), "{line}");
}

async fn serve_without_its_database_ends(world: &World) {
    let mut variables = world.variables.clone();
    let url = match world.backend {
        crate::support::scenario::Backend::Sqlite => "sqlite:///nonexistent/folder/gudok.db?mode=rw",
        crate::support::scenario::Backend::Postgres => {
            "postgres://nobody:hidden-password@localhost/none?host=/nonexistent"
        }
    };
    variables.insert("GUDOK__DATABASE__URL".to_owned(), url.to_owned());
    let ended = run(&variables, &["serve"]).await;
    assert_eq!(ended.status.code(), Some(1), "{}", complaint(&ended));
    assert!(complaint(&ended).lines().any(|line| line.starts_with("gudok: ")), "{}", complaint(&ended));
    assert!(!complaint(&ended).contains("hidden-password"), "{}", complaint(&ended));
}

async fn serve_on_a_port_in_use_ends(world: &World) {
    let mut variables = world.variables.clone();
    let taken = world.base.strip_prefix("http://").expect("a plain address").to_owned();
    variables.insert("GUDOK__SERVER__BIND".to_owned(), taken);
    let ended = eventually("it ends", async || Some(run(&variables, &["serve"]).await)).await;
    assert_eq!(ended.status.code(), Some(1), "{}", complaint(&ended));
    // Whoever holds the port is not disturbed.
    world.stranger().get("/healthz").await.expect(200);
}

//! `gudok user`: what operators type.

use serde_json::Value;

use super::{ALICE, places};
use crate::support::process::{complaint, run};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![a_user_is_exported_and_erased_from_the_command_line];

async fn a_user_is_exported_and_erased_from_the_command_line(world: &World) {
    let plan = world.event().await;
    world.buy(ALICE, &plan).await;
    let shown = run(&world.variables, &["user", "export", ALICE]).await;
    assert_eq!(shown.status.code(), Some(0), "{}", complaint(&shown));
    let document: Value = serde_json::from_slice(&shown.stdout).expect("JSON and nothing else");
    assert_eq!((&document["userId"], &document["payments"][0]["amount"]), (&ALICE.into(), &5_000.into()));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("alice.json");
    let path = file.to_str().expect("a path");
    let written = run(&world.variables, &["user", "export", ALICE, "--out", path]).await;
    assert_eq!(written.status.code(), Some(0), "{}", complaint(&written));
    assert!(written.stdout.is_empty());
    let text = std::fs::read(&file).expect("a file");
    assert!(serde_json::from_slice::<Value>(&text).is_ok());
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).expect("a file"));
    assert_eq!(mode & 0o777, 0o600, "others can read it");
    let again = run(&world.variables, &["user", "export", ALICE, "--out", path]).await;
    assert!(!again.status.success() && std::fs::read(&file).expect("a file") == text, "it was written over");
    let hasty = run(&world.variables, &["user", "erase", ALICE]).await;
    assert!(!hasty.status.success() && complaint(&hasty).contains("--yes"), "{}", complaint(&hasty));
    assert!(!places(world, ALICE).await.is_empty());
    let erased = run(&world.variables, &["user", "erase", ALICE, "--yes"]).await;
    assert_eq!(erased.status.code(), Some(0), "{}", complaint(&erased));
    assert!(String::from_utf8_lossy(&erased.stdout).contains("erased-"));
    assert_eq!(places(world, ALICE).await, Vec::<String>::new());
    for command in ["export", "erase"] {
        let arguments: &[&str] =
            if command == "erase" { &["user", command, ALICE, "--yes"] } else { &["user", command, ALICE] };
        let gone = run(&world.variables, arguments).await;
        assert_eq!(gone.status.code(), Some(1));
        assert!(complaint(&gone).contains("there is no such user"), "{}", complaint(&gone));
    }
}

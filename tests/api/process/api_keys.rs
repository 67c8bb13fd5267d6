//! `gudok api-key`: what operators type, and what they see.

use serde_json::Value;

use crate::support::process::{Serving, complaint, run};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_key_is_printed_once_and_works_until_it_is_revoked,
    keys_are_listed_by_their_first_characters,
    what_makes_no_sense_is_refused,
    no_key_is_in_any_log_line,
];

async fn create(world: &World, arguments: &[&str]) -> String {
    let ended = run(&world.variables, &[&["api-key", "create"][..], arguments].concat()).await;
    assert!(ended.status.success(), "{}", complaint(&ended));
    let printed = String::from_utf8(ended.stdout.clone()).expect("text");
    let key = printed.strip_suffix('\n').expect("a line").to_owned();
    assert!(key.starts_with("gdk_test_") && !key.contains(char::is_whitespace), "{printed:?}");
    assert!(complaint(&ended).contains(&key[..17]) && !complaint(&ended).contains(&key[17..]));
    key
}

async fn list(world: &World) -> Vec<String> {
    let ended = run(&world.variables, &["api-key", "list"]).await;
    assert!(ended.status.success(), "{}", complaint(&ended));
    String::from_utf8(ended.stdout).expect("text").lines().map(str::to_owned).collect()
}

async fn a_key_is_printed_once_and_works_until_it_is_revoked(world: &World) {
    let key = create(world, &["--role", "service", "--name", "웹 서버", "--expires", "90d"]).await;
    let client = world.stranger().with_token(Some(&key));
    client.get("/v1/payments?userId=u1").await.expect(200);
    client.get("/v1/jobs").await.expect_problem(403, "FORBIDDEN");
    let ended = run(&world.variables, &["api-key", "revoke", &key[..17]]).await;
    assert!(ended.status.success(), "{}", complaint(&ended));
    // Another process did it; this one believes what it knows for less than five seconds.
    world.advance(chrono::Duration::seconds(5));
    client.get("/v1/payments?userId=u1").await.expect_problem(401, "UNAUTHENTICATED");
}

async fn keys_are_listed_by_their_first_characters(world: &World) {
    assert_eq!(list(world).await.len(), 1, "the head alone");
    let first = create(world, &["--role", "admin", "--expires", "2999-12-31"]).await;
    let second = create(world, &["--role", "service", "--name", "웹 서버"]).await;
    let lines = list(world).await;
    assert_eq!(lines.len(), 3);
    for column in ["id", "prefix", "role", "name", "created", "expires", "last used", "state"] {
        assert!(lines[0].contains(column), "{}", lines[0]);
    }
    assert!(lines[1].contains(&second[..17]) && lines[1].contains("웹 서버"), "newest first: {lines:?}");
    assert!(lines[2].contains(&first[..17]) && lines[2].contains("admin") && lines[2].contains("3000-01-01"));
    assert!(lines[1..].iter().all(|line| line.ends_with("active")), "{lines:?}");
    let id = lines[1].split(' ').next().expect("an id").to_owned();
    assert!(run(&world.variables, &["api-key", "revoke", &id]).await.status.success());
    let lines = list(world).await;
    assert!(lines[1].ends_with("revoked") && lines[2].ends_with("active"), "{lines:?}");
    let text = lines.concat();
    assert!(!text.contains(&first[17..]) && !text.contains(&second[17..]));
}

async fn what_makes_no_sense_is_refused(world: &World) {
    for (arguments, code) in [
        (&["create"][..], 2),
        (&["create", "--role", "root"], 2),
        (&["create", "--role", "admin", "--expires", "soon"], 2),
        (&["create", "--role", "admin", "--expires", "2001-01-01"], 1),
        (&["create", "--role", "admin", "--name", ""], 1),
        (&["revoke"], 2),
        (&["revoke", "gdk_test_00000000"], 1),
    ] {
        let ended = run(&world.variables, &[&["api-key"][..], arguments].concat()).await;
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {}", complaint(&ended));
        assert!(ended.stdout.is_empty() && !complaint(&ended).is_empty());
    }
    assert_eq!(list(world).await.len(), 1);
}

async fn no_key_is_in_any_log_line(world: &World) {
    let mut variables = world.variables.clone();
    variables.insert("RUST_LOG".to_owned(), "debug,gudok=trace".to_owned());
    let key = create(world, &["--role", "admin"]).await;
    let mut serving = Serving::start(&variables).await;
    serving.client(Some(&key)).get("/v1/jobs").await.expect(200);
    serving.client(Some(&format!("{key}x"))).get("/v1/jobs").await.expect(401);
    serving.terminate();
    assert_eq!(serving.ended().await, Some(0));
    let said = serving.said();
    assert!(!said.contains(&key[17..]), "{said}");
    // What people know it by is.
    let answered = |line: &Value| line["message"] == "answered" && line["caller"] == key[..17];
    assert!(serving.lines().iter().any(answered), "{said}");
}

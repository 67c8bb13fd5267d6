//! The OpenAPI document: the same wherever it is asked for, and whole enough to write a client from.

use serde_json::Value;

use crate::support::process;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    the_document_is_the_same_over_http_and_from_the_command_line,
    the_document_changes_only_on_purpose,
    every_operation_is_documented_whole,
    only_public_operations_go_without_credentials,
    every_error_is_documented_as_a_problem,
    every_post_takes_an_idempotency_key,
    the_documentation_page_loads_nothing_from_elsewhere,
];

/// What clients were last promised.
const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/contract/openapi.json");

/// Operations for which nobody needs to be known.
const PUBLIC: [&str; 3] = ["listPlans", "getPlan", "receiveTossWebhook"];

/// Each operation of the document with its path and method.
pub(super) async fn operations(world: &World) -> Vec<(String, String, Value)> {
    let document = world.stranger().get("/openapi.json").await.expect(200).clone();
    let paths = document["paths"].as_object().expect("paths").clone();
    let mut operations = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("methods") {
            operations.push((path.clone(), method.to_uppercase(), operation.clone()));
        }
    }
    assert!(operations.len() > 10, "{operations:?}");
    operations
}

async fn the_document_is_the_same_over_http_and_from_the_command_line(world: &World) {
    let reply = world.stranger().get("/openapi.json").await;
    reply.expect(200);
    assert_eq!(reply.header("content-type").split(';').next(), Some("application/json"));
    // No variable is set: the document depends on no setting.
    let printed = process::run(&[].into(), &["openapi"]).await;
    assert!(printed.status.success(), "{}", process::complaint(&printed));
    assert_eq!(String::from_utf8_lossy(&printed.stdout), reply.text);
}

async fn the_document_changes_only_on_purpose(world: &World) {
    let promised = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
    let served = world.stranger().get("/openapi.json").await.text;
    let line = promised.lines().zip(served.lines()).position(|(old, new)| old != new);
    let line = line.unwrap_or(promised.lines().count().min(served.lines().count())) + 1;
    assert!(
        promised == served,
        "the OpenAPI document differs from the committed one from line {line} on. If clients may rely on the change: \
         cargo run -p gudok -- openapi > tests/api/contract/openapi.json"
    );
}

async fn every_operation_is_documented_whole(world: &World) {
    let mut ids = Vec::new();
    for (path, method, operation) in operations(world).await {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        assert!(!id.is_empty() && !ids.contains(&id), "{method} {path}: the operationId is {id:?}");
        ids.push(id);
        for text in ["summary", "description"] {
            let said = operation[text].as_str().is_some_and(|text| !text.trim().is_empty());
            assert!(said, "{method} {path} has no {text}");
        }
        assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{method} {path}: tags");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let said = parameter["description"].as_str().is_some_and(|text| !text.trim().is_empty());
            assert!(said, "{method} {path}: {} has no description", parameter["name"]);
        }
        let responses = operation["responses"].as_object().expect("responses");
        assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}: no success");
        let missing = |status: &str| !responses.contains_key(status);
        assert!(responses.keys().any(|status| status.starts_with('4')), "{method} {path}: no 4xx");
        if operation.get("requestBody").is_some() {
            for status in ["400", "413", "415"] {
                assert!(!missing(status), "{method} {path}: {status} is not documented");
            }
        }
        if operation.get("security").is_some() {
            for status in ["401", "403"] {
                assert!(!missing(status), "{method} {path}: {status} is not documented");
            }
        }
    }
}

async fn only_public_operations_go_without_credentials(world: &World) {
    for (path, method, operation) in operations(world).await {
        let id = operation["operationId"].as_str().unwrap_or_default();
        let secured = operation["security"].as_array().is_some_and(|schemes| !schemes.is_empty());
        assert_eq!(secured, !PUBLIC.contains(&id), "{method} {path} ({id})");
    }
}

async fn every_error_is_documented_as_a_problem(world: &World) {
    for (path, method, operation) in operations(world).await {
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let error = status.starts_with('4') || status.starts_with('5');
            let problem = response["content"].get("application/problem+json").is_some();
            assert_eq!(error, problem, "{method} {path}: {status}");
            let named = response["description"].as_str().is_some_and(|text| text.contains('`'));
            assert!(!error || named, "{method} {path}: {status} names no code");
        }
    }
}

async fn every_post_takes_an_idempotency_key(world: &World) {
    for (path, method, operation) in operations(world).await {
        // Toss sends no key; what it repeats is told apart by its own id.
        if operation["operationId"] == "receiveTossWebhook" {
            continue;
        }
        let headers = operation["parameters"].as_array().into_iter().flatten();
        let keys = headers.filter(|header| header["in"] == "header" && header["name"] == "Idempotency-Key");
        let post = method == "POST";
        assert_eq!(keys.count(), usize::from(post), "{method} {path}");
        for (status, code) in
            [("400", "INVALID_REQUEST"), ("409", "REQUEST_IN_PROGRESS"), ("422", "IDEMPOTENCY_KEY_REUSED")]
        {
            let described = operation["responses"][status]["description"].as_str().unwrap_or_default();
            assert!(!post || described.contains(code), "{method} {path}: {code} is not documented");
        }
    }
}

async fn the_documentation_page_loads_nothing_from_elsewhere(world: &World) {
    let reply = world.stranger().get("/docs").await;
    reply.expect(200);
    assert_eq!(reply.header("content-type").split(';').next(), Some("text/html"));
    // The page inlines the viewer's program; only what a browser would fetch by itself counts.
    for elsewhere in
        ["src=\"http", "href=\"http", "src='http", "href='http", "src=\"//", "href=\"//", "@import", "//cdn"]
    {
        assert!(!reply.text.contains(elsewhere), "the page holds {elsewhere}");
    }
    assert!(reply.text.contains("confirmPayment"), "the page does not hold the document");
}

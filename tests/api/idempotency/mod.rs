//! Scenarios about `Idempotency-Key`.

mod answers;
mod crashes;
mod keys;
mod open;
mod races;

use entity::idempotency_key;
use sea_orm::EntityTrait;
use serde_json::Value;

use crate::support::client::{Client, Reply, send};
use crate::support::scenario::Scenario;
use crate::support::world::World;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [answers::scenarios(), crashes::scenarios(), keys::scenarios(), open::scenarios(), races::scenarios()]
        .into_iter()
        .flatten()
        .collect()
}

/// Longer than a process without a sign of life is believed to be at work.
const LEASE: chrono::Duration = chrono::Duration::seconds(16);

/// Posts `body` under `key`.
async fn post(client: &Client, path: &str, body: &Value, key: &str) -> Reply {
    let request = client.request("POST", path).header("idempotency-key", key);
    send(request.header("content-type", "application/json").body(body.to_string())).await
}

/// Whether an answer says of itself that it is not the first one.
fn replayed(reply: &Reply) -> bool {
    reply.header("idempotency-replayed") == "true"
}

/// Asserts that `again` is `first` once more, byte by byte.
#[track_caller]
fn assert_repeats(first: &Reply, again: &Reply) {
    assert!(replayed(again), "not replayed: {}", again.text);
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    for header in ["content-type", "cache-control", "retry-after"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
}

/// All keys that are remembered.
async fn keys(world: &World) -> Vec<idempotency_key::Model> {
    idempotency_key::Entity::find().all(world.app.db.read()).await.expect("keys")
}

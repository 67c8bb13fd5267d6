//! Scenarios about the comparison of Toss's books with ours.

mod agree;
mod command;
mod nightly;
mod pages;
mod repair;
mod report;

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::Duration;
use entity::finding;
use gudok::reconcile::{Options, Report, Window, reconcile};
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use serde_json::json;
use toss_sandbox::Authenticate;

use crate::support::client::send;
use crate::support::scenario::Scenario;
use crate::support::world::World;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [
        agree::scenarios(),
        command::scenarios(),
        nightly::scenarios(),
        pages::scenarios(),
        repair::scenarios(),
        report::scenarios(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The last two days.
fn lately(world: &World) -> Window {
    let now = world.app.clock.now();
    Window { from: now - Duration::days(2), to: now }
}

/// Compares a window on pages that are smaller than any list worth comparing.
async fn compare(world: &World, window: Window) -> Report {
    reconcile(&world.app, window, Options { page_size: 2 }, &|_| {}).await
}

/// Compares the last two days, to the end.
async fn compared(world: &World) -> Report {
    let report = compare(world, lately(world)).await;
    assert_eq!(report.failure, None, "{report:?}");
    report
}

/// What was found, as kind, subject and whether it is over; oldest first.
async fn findings(world: &World) -> Vec<(String, String, bool)> {
    let all =
        finding::Entity::find().order_by_asc(finding::Column::FirstSeenAt).all(world.app.db.read()).await;
    all.expect("findings").into_iter().map(|row| (row.kind, row.subject, row.resolved_at.is_some())).collect()
}

/// Changes our books by hand.
async fn sql(world: &World, statement: &str) {
    world
        .app
        .db
        .read()
        .execute_unprepared(statement)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// Somebody else takes money at Toss with our shop's key; gives the payment key.
async fn paid_elsewhere(world: &World, order_id: &str, amount: i64) -> String {
    let key = world.authenticate_with(Authenticate::new(order_id, amount));
    let body = json!({"paymentKey": key, "orderId": order_id, "amount": amount});
    let request = reqwest::Client::new().post(format!("{}/v1/payments/confirm", world.toss.url()));
    let request = request.basic_auth(world.toss.secret_key(), Some("")).body(body.to_string());
    send(request.header("content-type", "application/json")).await.expect(200);
    key
}

/// A month for a user who has none.
async fn buyer(world: &World, plan: &str) -> crate::support::world::Order {
    static USERS: AtomicU32 = AtomicU32::new(1);
    world.buy(&format!("user-{}", USERS.fetch_add(1, Ordering::Relaxed)), plan).await
}

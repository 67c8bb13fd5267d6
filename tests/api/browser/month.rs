//! The dashboard over weeks of demo business: its figures are those of the books, and the README's pictures are of it.

use chrono::Duration;
use gudok_dev::catalogue;
use gudok_dev::demo::{DAYS, Demo};

use super::dashboard::sign_in;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![the_dashboard_shows_weeks_of_business];

async fn the_dashboard_shows_weeks_of_business(world: &World) {
    let end = world.app.clock.now();
    world.advance(-Duration::days(DAYS));
    let plans = catalogue::create_all(&world.app).await.expect("plans");
    let bought = Demo::new(&world.app, &world.toss, &plans).run(end).await.expect("business");
    assert!(bought > 150, "{bought}");
    world.run_job("expire-subscriptions").await;
    let browser = world.browser().await;
    sign_in(&browser).await;
    browser.open("/admin?days=90").await;
    browser.wait_for("html[data-charts=\"5\"]").await;
    assert_eq!(digits(&browser.text("#net").await), taken_and_kept(world).await);
    browser.open("/admin?days=30").await;
    browser.wait_for("html[data-charts=\"5\"]").await;
    browser.accessible().await;
    browser.picture("dashboard").await;
    let order = refunded(world).await;
    browser.open(&format!("/admin/payments/{order}")).await;
    browser.wait_for("#story").await;
    browser.accessible().await;
    browser.picture("dashboard-payment").await;
    let dark = world.browser().dark().await;
    sign_in(&dark).await;
    dark.wait_for("html[data-charts=\"5\"]").await;
    dark.accessible().await;
    dark.picture("dashboard-dark").await;
}

/// What Toss's own ledger says came in and stayed, in won.
async fn taken_and_kept(world: &World) -> i64 {
    let ledger = reqwest::get(format!("{}/sandbox/ledger", world.toss.url())).await.expect("an answer");
    let ledger: serde_json::Value = ledger.json().await.expect("a ledger");
    ledger["totals"]["balance"].as_i64().expect("a sum")
}

/// The amount that a text begins with.
fn digits(text: &str) -> i64 {
    let amount = text.lines().find(|line| line.contains('원')).unwrap_or(text);
    let digits: String = amount.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no amount: {text}"))
}

/// The order of a payment that was given back, whose story has the most to tell.
async fn refunded(world: &World) -> String {
    let reply = world.admin().get("/v1/payments?status=CANCELED&limit=1").await;
    reply.expect(200)["items"][0]["orderId"].as_str().expect("a refunded payment").to_owned()
}

//! How a breach is told: by the command with its exit code, and by the job as a finding that ends with the breach.

use entity::finding;
use futures_util::future::join_all;
use gudok::check::check;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use super::Business;
use crate::support::process::{complaint, run};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    the_command_exits_with_0_when_every_rule_holds,
    the_command_names_what_is_broken_and_exits_with_1,
    what_cannot_be_checked_exits_with_2,
    the_job_writes_findings_that_end_with_the_breach,
    business_that_goes_on_meanwhile_breaks_nothing,
];

const BROKEN: &[&str] = &["UPDATE refund SET amount = 900 WHERE order_id = '{part}'"];
const MENDED: &[&str] = &["UPDATE refund SET amount = 1000 WHERE order_id = '{part}'"];

async fn the_command_exits_with_0_when_every_rule_holds(world: &World) {
    Business::done(world).await;
    let ended = run(&world.variables, &["check", "--json"]).await;
    assert_eq!(ended.status.code(), Some(0), "{}", complaint(&ended));
    let report: Value = serde_json::from_slice(&ended.stdout).expect("JSON and nothing else");
    assert_eq!(report, json!({"payments": 6, "subscriptions": 3, "breaches": [], "more": false}));
    let ended = run(&world.variables, &["check"]).await;
    assert_eq!(ended.status.code(), Some(0), "{}", complaint(&ended));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("0 breaches"));
}

async fn the_command_names_what_is_broken_and_exits_with_1(world: &World) {
    let business = Business::done(world).await;
    business.change(world, BROKEN).await;
    let ended = run(&world.variables, &["check", "--json"]).await;
    assert_eq!(ended.status.code(), Some(1), "{}", complaint(&ended));
    let report: Value = serde_json::from_slice(&ended.stdout).expect("JSON and nothing else");
    let part = business.named("{part}");
    let detail = "amount 9900, refunded 900, balance 8900";
    assert_eq!(report["breaches"], json!([{"rule": 1, "orderId": part, "userId": null, "detail": detail}]));
    let ended = run(&world.variables, &["check"]).await;
    assert_eq!(ended.status.code(), Some(1));
    let text = String::from_utf8(ended.stdout).expect("text");
    assert!(text.lines().any(|line| line.contains(&part) && line.contains(detail)), "{text}");
    // It only reads.
    assert_eq!(finding::Entity::find().count(world.app.db.read()).await.expect("findings"), 0);
    assert_eq!(entity::job_run::Entity::find().count(world.app.db.read()).await.expect("runs"), 0);
    business.change(world, MENDED).await;
}

async fn what_cannot_be_checked_exits_with_2(world: &World) {
    let (variables, _folder) = world.empty_database().await;
    let ended = run(&variables, &["check"]).await;
    assert_eq!((ended.status.code(), ended.stdout.is_empty()), (Some(2), true));
    assert!(complaint(&ended).contains("gudok migrate"), "{}", complaint(&ended));
    assert_eq!(run(&variables, &["check", "--everything"]).await.status.code(), Some(2));
}

async fn the_job_writes_findings_that_end_with_the_breach(world: &World) {
    let business = Business::done(world).await;
    assert_eq!(world.run_job("check").await, 0);
    business.change(world, BROKEN).await;
    business
        .change(world, &["UPDATE payment SET payment_key = 'never-offered' WHERE order_id = '{part}'"])
        .await;
    let part = business.named("{part}");
    let findings = async || {
        let all = finding::Entity::find().all(world.app.db.read()).await.expect("findings");
        let mut all: Vec<_> = all
            .into_iter()
            .map(|row| {
                assert_eq!((row.kind.as_str(), row.order_id.as_ref()), ("INVARIANT_BROKEN", Some(&part)));
                (row.subject, row.resolved_at.is_some())
            })
            .collect();
        all.sort();
        all
    };
    for _ in 0..2 {
        assert_eq!(world.run_job("check").await, 2);
        assert_eq!(findings().await, [(format!("1:{part}"), false), (format!("5:{part}"), false)]);
    }
    business.change(world, MENDED).await;
    assert_eq!(world.run_job("check").await, 1);
    assert_eq!(findings().await, [(format!("1:{part}"), true), (format!("5:{part}"), false)]);
    let key = "UPDATE payment SET payment_key = (SELECT MAX(payment_key) FROM payment_event WHERE order_id = '{part}') \
        WHERE order_id = '{part}'";
    business.change(world, &[key]).await;
    assert_eq!(world.run_job("check").await, 0);
    assert!(findings().await.into_iter().all(|(_, over)| over));
}

async fn business_that_goes_on_meanwhile_breaks_nothing(world: &World) {
    let (basic, event) = (world.basic().await, world.event().await);
    let business = join_all((0..6).map(async |n| {
        for plan in [&basic, &event, &basic] {
            let order = world.buy(&format!("u{n}"), plan).await;
            world.refund(&order, Some(1_000)).await.expect(200);
            world.refund(&order, None).await.expect(200);
        }
    }));
    let checks = async {
        for _ in 0..15 {
            let report = check(&world.app).await.expect("checked");
            assert_eq!(report.breaches, [], "between two statements of one change");
        }
    };
    tokio::join!(business, checks);
}

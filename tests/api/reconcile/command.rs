//! `gudok reconcile`: its table, its JSON and its exit codes.

use std::process::Output;

use chrono::Duration;
use serde_json::Value;
use toss_sandbox::{Fault, FaultKind, Operation};

use super::{buyer, paid_elsewhere};
use crate::support::process::{complaint, run};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    books_that_agree_exit_with_0,
    a_repair_exits_with_0_and_is_shown,
    what_stays_open_exits_with_1,
    what_cannot_be_compared_exits_with_2,
    days_that_make_no_sense_are_refused,
];

/// Compares yesterday and today, with these further arguments.
async fn reconcile(world: &World, more: &[&str]) -> Output {
    let today = world.app.clock.now().with_timezone(&world.app.config.billing.timezone).date_naive();
    let (from, to) = ((today - Duration::days(1)).to_string(), today.to_string());
    let arguments: Vec<&str> =
        ["reconcile", "--from", &from, "--to", &to].into_iter().chain(more.iter().copied()).collect();
    run(&world.variables, &arguments).await
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("JSON and nothing else")
}

async fn books_that_agree_exit_with_0(world: &World) {
    let order = buyer(world, &world.basic().await).await;
    world.refund(&order, Some(900)).await.expect(200);
    let ended = reconcile(world, &["--json"]).await;
    assert_eq!(ended.status.code(), Some(0), "{}", complaint(&ended));
    let report = json(&ended);
    assert_eq!((&report["compared"], &report["matched"]), (&2.into(), &2.into()));
    assert_eq!((&report["open"], &report["failure"]), (&0.into(), &Value::Null));
    assert!(report["differences"].as_array().is_some_and(Vec::is_empty));
    let ended = reconcile(world, &[]).await;
    assert_eq!(ended.status.code(), Some(0), "{}", complaint(&ended));
    let text = String::from_utf8(ended.stdout).expect("text");
    assert!(text.contains("compared") && text.contains("Asia/Seoul"), "{text}");
    assert!(!text.contains('\u{1b}'), "no progress bar where no terminal is: {text}");
}

async fn a_repair_exits_with_0_and_is_shown(world: &World) {
    let order = buyer(world, &world.basic().await).await;
    let key = world.payment(&order).await["paymentKey"].as_str().expect("a key").to_owned();
    world.toss.console_cancel(&key, None, "고객 요청").expect("cancelled");
    let ended = reconcile(world, &["--json"]).await;
    assert_eq!(ended.status.code(), Some(0), "{}", complaint(&ended));
    let report = json(&ended);
    let difference = &report["differences"][0];
    assert_eq!((&report["repaired"], &difference["outcome"]), (&1.into(), &"REPAIRED".into()));
    assert_eq!(
        (&difference["orderId"], &difference["kind"]),
        (&order.order_id.into(), &"AMOUNT_DIFFERS".into())
    );
    assert_eq!(
        (&difference["ours"], &difference["theirs"]),
        (&"DONE 9900/9900".into(), &"CANCELED 0/9900".into())
    );
    assert!(!complaint(&ended).contains(&key), "a whole payment key in the log");
}

async fn what_stays_open_exits_with_1(world: &World) {
    world.forge();
    let key = paid_elsewhere(world, "somebody-elses-0001", 7_000).await;
    let ended = reconcile(world, &[]).await;
    assert_eq!(ended.status.code(), Some(1), "{}", complaint(&ended));
    let text = String::from_utf8(ended.stdout).expect("text");
    let line = text.lines().find(|line| line.contains("somebody-elses-0001")).expect("its line");
    for word in ["MISSING_HERE", "DONE 7000/7000", "reported"] {
        assert!(line.contains(word), "{line}");
    }
    world.toss.console_cancel(&key, None, "주문 없음").expect("cancelled");
    assert_eq!(reconcile(world, &[]).await.status.code(), Some(0));
}

async fn what_cannot_be_compared_exits_with_2(world: &World) {
    buyer(world, &world.basic().await).await;
    world.toss.inject(Fault::new(Operation::Transactions, FaultKind::Html));
    let ended = reconcile(world, &["--json"]).await;
    assert_eq!(ended.status.code(), Some(2));
    assert!(json(&ended)["failure"].is_string());
    assert!(complaint(&ended).contains("ended early"), "{}", complaint(&ended));
    let mut variables = world.variables.clone();
    variables.remove("GUDOK__TOSS__SECRET_KEY");
    let days = ["reconcile", "--from", "2026-01-01", "--to", "2026-01-02"];
    let ended = run(&variables, &days).await;
    assert_eq!((ended.status.code(), ended.stdout.is_empty()), (Some(2), true));
    assert!(complaint(&ended).contains("GUDOK__TOSS__SECRET_KEY"), "{}", complaint(&ended));
    let (variables, _folder) = world.empty_database().await;
    let ended = run(&variables, &days).await;
    assert_eq!(ended.status.code(), Some(2));
    assert!(complaint(&ended).contains("gudok migrate"), "{}", complaint(&ended));
}

async fn days_that_make_no_sense_are_refused(world: &World) {
    for (from, to) in
        [("2026-01-02", "2026-01-01"), ("9999-01-01", "9999-01-01"), ("2026-02-30", "2026-03-01"), ("x", "y")]
    {
        let ended = run(&world.variables, &["reconcile", "--from", from, "--to", to]).await;
        assert_eq!(ended.status.code(), Some(2), "{from} {to}");
        assert!(ended.stdout.is_empty() && !complaint(&ended).is_empty());
    }
    assert_eq!(run(&world.variables, &["reconcile"]).await.status.code(), Some(2));
}

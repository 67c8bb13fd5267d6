//! The nightly comparison: a job like the others, which makes up for nights that were missed.

use chrono::Duration;
use gudok::jobs::{Job, run_due};
use serde_json::json;
use toss_sandbox::{Fault, FaultKind, Operation};

use super::{findings, paid_elsewhere};
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World, instant};

scenarios![
    the_job_repairs_and_counts,
    what_is_left_open_does_not_fail_the_job,
    nights_that_were_missed_are_made_up_for,
    a_night_that_failed_is_compared_again,
    it_is_due_at_half_past_four_in_seoul,
];

async fn staff_cancel(world: &World, order: &Order) {
    let key = world.payment(order).await["paymentKey"].as_str().expect("a key").to_owned();
    world.toss.console_cancel(&key, None, "고객 요청").expect("cancelled");
}

async fn the_job_repairs_and_counts(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    staff_cancel(world, &order).await;
    assert_eq!(world.run_job("reconcile").await, 1);
    assert_eq!(world.payment(&order).await["status"], "CANCELED");
    assert_eq!(world.run_job("reconcile").await, 0);
}

async fn what_is_left_open_does_not_fail_the_job(world: &World) {
    world.forge();
    paid_elsewhere(world, "somebody-elses-0001", 7_000).await;
    assert_eq!(world.run_job("reconcile").await, 0);
    assert_eq!(findings(world).await.len(), 1, "but it is written down");
}

async fn nights_that_were_missed_are_made_up_for(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    assert_eq!(world.run_job("reconcile").await, 0);
    world.advance(Duration::hours(1));
    staff_cancel(world, &order).await;
    world.advance(Duration::days(20));
    assert_eq!(world.run_job("reconcile").await, 1, "all since the last one, not only the last days");
    assert_eq!(world.payment(&order).await["status"], "CANCELED");
}

async fn a_night_that_failed_is_compared_again(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    world.run_job("reconcile").await;
    staff_cancel(world, &order).await;
    world.advance(Duration::days(10));
    world.toss.inject(Fault::new(Operation::Transactions, FaultKind::TruncatedJson));
    let reply = world.admin().post("/v1/jobs/reconcile/run", json!({})).await;
    assert_eq!(reply.expect(200)["status"], "FAILED");
    world.advance(Duration::days(10));
    assert_eq!(world.run_job("reconcile").await, 1, "a failed run has compared nothing");
}

async fn it_is_due_at_half_past_four_in_seoul(world: &World) {
    world.advance(Duration::days(1));
    let now = world.app.clock.now();
    let run = run_due(&world.app, Job::Reconcile, now).await.expect("a tick").expect("a run");
    let due = run.scheduled_for.with_timezone(&world.app.config.billing.timezone);
    assert_eq!(due.format("%H:%M:%S").to_string(), "04:30:00");
    assert_eq!(run_due(&world.app, Job::Reconcile, now).await.expect("a tick"), None);
    let jobs = world.admin().get("/v1/jobs").await;
    let items = jobs.expect(200)["items"].as_array().expect("items").clone();
    let job = items.into_iter().find(|job| job["name"] == "reconcile").expect("it is listed");
    assert!(instant(&job["lastRun"]["finishedAt"]) >= run.started_at);
}

//! Runs of jobs are not kept for ever, and the last that did its work always is.

use chrono::{DateTime, Duration, Utc};
use entity::JobRunId;
use entity::job_run::{self, JobRunStatus};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    runs_of_jobs_that_are_due_every_few_seconds_are_kept_for_a_week,
    nightly_runs_are_kept_for_more_than_a_year,
    the_last_run_that_did_its_work_is_kept_however_old_it_is,
];

/// A run as it stands after its end, this long before `now`.
async fn ran(world: &World, job: &str, before: Duration, status: JobRunStatus, now: DateTime<Utc>) {
    let at = now - before;
    let run = job_run::Model {
        id: JobRunId::new(),
        name: job.to_owned(),
        scheduled_for: at,
        started_at: at,
        finished_at: (status != JobRunStatus::Running).then_some(at),
        status,
        affected: 0,
        total: None,
        attempt: 1,
        lease_until: at,
        error: None,
    };
    let row = job_run::Entity::insert(run.into_active_model());
    row.exec_without_returning(world.app.db.read()).await.expect("inserted");
}

/// How many days ago the kept runs of `job` were due, the oldest first.
async fn kept(world: &World, job: &str, now: DateTime<Utc>) -> Vec<i64> {
    let own = job_run::Column::Name.eq(job);
    let runs = job_run::Entity::find().filter(own).all(world.app.db.read()).await.expect("read");
    let mut days: Vec<i64> = runs.iter().map(|run| (now - run.scheduled_for).num_days()).collect();
    days.sort_unstable_by(|a, b| b.cmp(a));
    days
}

async fn runs_of_jobs_that_are_due_every_few_seconds_are_kept_for_a_week(world: &World) {
    let now = world.app.clock.now();
    for days in [30, 8, 6, 1] {
        for job in ["settle-payments", "purge-webhooks"] {
            ran(world, job, Duration::days(days), JobRunStatus::Done, now).await;
        }
    }
    world.run_job("settle-payments").await;
    assert_eq!(kept(world, "settle-payments", now).await, [6, 1, 0]);
    assert_eq!(kept(world, "purge-webhooks", now).await, [30, 8, 6, 1], "no other job's");
    // More than go at once: the rest goes the next time.
    for second in 0..120 {
        let before = Duration::days(9) + Duration::seconds(second);
        ran(world, "settle-payments", before, JobRunStatus::Failed, now).await;
    }
    world.run_job("settle-payments").await;
    assert_eq!(kept(world, "settle-payments", now).await.iter().filter(|days| **days == 9).count(), 20);
    world.run_job("settle-payments").await;
    assert!(!kept(world, "settle-payments", now).await.contains(&9));
}

async fn nightly_runs_are_kept_for_more_than_a_year(world: &World) {
    let now = world.app.clock.now();
    for days in [800, 401, 399, 366, 1] {
        ran(world, "check", Duration::days(days), JobRunStatus::Done, now).await;
    }
    world.run_job("check").await;
    assert_eq!(kept(world, "check", now).await, [399, 366, 1, 0]);
}

async fn the_last_run_that_did_its_work_is_kept_however_old_it_is(world: &World) {
    let now = world.app.clock.now();
    ran(world, "reconcile", Duration::days(801), JobRunStatus::Done, now).await;
    ran(world, "reconcile", Duration::days(800), JobRunStatus::Done, now).await;
    ran(world, "reconcile", Duration::days(700), JobRunStatus::Failed, now).await;
    // Toss does not answer, so that this night fails too.
    let fault =
        toss_sandbox::Fault::new(toss_sandbox::Operation::Transactions, toss_sandbox::FaultKind::DropBefore);
    world.toss.inject(fault.times(10));
    let reply = world.admin().post("/v1/jobs/reconcile/run", serde_json::json!({})).await;
    assert_eq!(reply.expect(200)["status"], "FAILED");
    assert_eq!(kept(world, "reconcile", now).await, [800, 0]);
}

//! Several processes and one schedule: each due time has one run, whoever lives to do it.

use entity::job_run::{self, JobRunStatus};
use futures_util::future::join_all;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::settings;
use crate::support::client::ADMIN_KEY;
use crate::support::crowd::{Hold, MANY, expired, lapsed};
use crate::support::process::{Serving, eventually};
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![
    three_processes_run_each_due_time_once,
    a_process_that_is_told_to_run_no_jobs_runs_none,
    a_runner_that_is_killed_in_the_middle_is_replaced,
    a_runner_that_is_stopped_in_the_middle_leaves_the_rest_to_the_others,
];

async fn runs(world: &World, job: &str) -> Vec<job_run::Model> {
    let own = job_run::Column::Name.eq(job);
    job_run::Entity::find().filter(own).all(world.app.db.read()).await.expect("read")
}

async fn done(world: &World) -> job_run::Model {
    eventually("the nightly job is done", async || {
        let runs = runs(world, "expire-subscriptions").await;
        runs.into_iter().find(|run| run.status == JobRunStatus::Done)
    })
    .await
}

/// How often a process said that it did `job` with work in it.
fn said_done(serving: &Serving, job: &str) -> usize {
    let own = |line: &&serde_json::Value| {
        line["message"] == "done"
            && line["spans"].as_array().is_some_and(|spans| spans.iter().any(|span| span["job"] == job))
    };
    serving.lines().iter().filter(own).count()
}

/// Waits until one of `replicas` has said that it did the nightly job: what a process says takes its way. Nobody else may
/// have.
async fn one_did_it(replicas: &[&Serving]) {
    let workers = || replicas.iter().map(|replica| said_done(replica, "expire-subscriptions")).sum::<usize>();
    eventually("somebody says it", async || (workers() > 0).then_some(())).await;
    assert_eq!(workers(), 1);
}

async fn three_processes_run_each_due_time_once(world: &World) {
    lapsed(world).await;
    let variables = settings(world, &[]);
    let replicas = join_all((0..3).map(|_| Serving::start(&variables))).await;
    let run = done(world).await;
    assert_eq!((run.affected, run.attempt), (MANY as i64, 1));
    // They all go on ticking, and nobody does it again.
    let turns = runs(world, "process-webhooks").await.len();
    eventually("two more turns of another job", async || {
        (runs(world, "process-webhooks").await.len() >= turns + 2).then_some(())
    })
    .await;
    assert_eq!(runs(world, "expire-subscriptions").await, [run]);
    one_did_it(&replicas.iter().collect::<Vec<_>>()).await;
    for job in ["process-webhooks", "settle-payments"] {
        // First what was done, then what is on record: a turn that begins in between is no second one.
        let mut done = 0;
        for replica in &replicas {
            done += ended_runs(replica, job).await;
        }
        let recorded = runs(world, job).await.len();
        assert!(done > 0 && done <= recorded, "{job}: {done} runs of {recorded} due times");
    }
}

/// How many runs of `job` a process has brought to their end, by its metrics.
async fn ended_runs(serving: &Serving, job: &str) -> usize {
    let metrics = serving.client(Some(ADMIN_KEY)).get("/metrics").await.text;
    let own = format!("gudok_job_runs_total{{name=\"{job}\",");
    let values =
        metrics.lines().filter(|line| line.starts_with(&own)).filter_map(|line| line.rsplit(' ').next());
    values.map(|value| value.parse::<usize>().expect("a count")).sum()
}

async fn a_process_that_is_told_to_run_no_jobs_runs_none(world: &World) {
    lapsed(world).await;
    let idle = Serving::start(&settings(world, &[("GUDOK__SCHEDULER__ENABLED", "false")])).await;
    let busy = Serving::start(&settings(world, &[])).await;
    done(world).await;
    one_did_it(&[&idle, &busy]).await;
    assert!(!idle.lines().iter().any(|line| line["target"] == "gudok::jobs::run"), "{}", idle.said());
}

/// A process that has done a batch of the nightly job and waits for a row that somebody holds.
async fn in_the_middle(world: &World) -> (Serving, Hold) {
    lapsed(world).await;
    let hold = Hold::subscription(world, 2_500).await;
    let runner = Serving::start(&settings(world, &[])).await;
    eventually("it waits for the row", async || (expired(world).await == 2_500).then_some(())).await;
    (runner, hold)
}

async fn a_runner_that_is_killed_in_the_middle_is_replaced(world: &World) {
    // SQLite has one writer: nobody can hold one row alone.
    if world.backend == Backend::Sqlite {
        return;
    }
    let (mut runner, hold) = in_the_middle(world).await;
    let variables = settings(world, &[]);
    let others = join_all((0..2).map(|_| Serving::start(&variables))).await;
    runner.kill();
    assert_eq!(runner.ended().await, None);
    hold.release().await;
    let run = done(world).await;
    assert_eq!(run.attempt, 2, "{run:?}");
    assert_eq!(expired(world).await, MANY as u64);
    assert_eq!(runs(world, "expire-subscriptions").await.len(), 1);
    one_did_it(&others.iter().collect::<Vec<_>>()).await;
}

async fn a_runner_that_is_stopped_in_the_middle_leaves_the_rest_to_the_others(world: &World) {
    if world.backend == Backend::Sqlite {
        return;
    }
    let (mut runner, hold) = in_the_middle(world).await;
    let other = Serving::start(&settings(world, &[])).await;
    runner.terminate();
    assert_eq!(runner.ended().await, Some(0), "{}", runner.said());
    assert!(runner.lines().iter().any(|line| {
        line["message"].as_str().is_some_and(|said| said.starts_with("handed over"))
            && line["affected"] == 2_500
    }));
    hold.release().await;
    let run = done(world).await;
    assert_eq!((run.attempt, run.affected, run.total), (2, MANY as i64, Some(MANY as i64)));
    one_did_it(&[&other]).await;
    assert_eq!(expired(world).await, MANY as u64);
}

//! Runs are rows: one per due time whoever ticks, caught up after downtime, taken over from a lost process.

use chrono::{DateTime, Duration, Utc};
use entity::JobRunId;
use entity::job_run::{self, JobRunStatus};
use futures_util::future::join_all;
use gudok::jobs::{Job, Schedule, run_due};
use sea_orm::{EntityTrait, IntoActiveModel, QueryOrder};
use serde_json::json;

use crate::support::scenario::scenarios;
use crate::support::world::{World, instant};

scenarios![
    the_jobs_and_their_last_runs_are_listed,
    runs_by_hand_are_recorded_and_listed,
    an_unknown_job_is_404,
    two_services_run_each_due_time_once,
    midnights_that_were_missed_are_caught_up_in_one_run,
    a_run_that_lost_its_process_is_taken_over,
    a_lost_run_of_an_earlier_night_blocks_nothing,
    a_job_that_runs_is_not_run_again_by_hand,
    settle_and_purge_are_due_every_few_seconds,
];

async fn rows(world: &World) -> Vec<job_run::Model> {
    let all = job_run::Entity::find().order_by_asc(job_run::Column::ScheduledFor);
    all.all(world.app.db.read()).await.expect("runs")
}

fn last_midnight(world: &World, now: DateTime<Utc>) -> DateTime<Utc> {
    let zone = world.app.config.billing.timezone;
    Schedule::MIDNIGHT.last_due(now, zone).expect("a midnight")
}

/// A row as a process leaves it that began the nightly job and was never seen again.
pub(super) async fn begun(
    world: &World,
    scheduled_for: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> JobRunId {
    let run = job_run::Model {
        id: JobRunId::new(),
        name: "expire-subscriptions".to_owned(),
        scheduled_for,
        started_at: scheduled_for,
        finished_at: None,
        status: JobRunStatus::Running,
        affected: 0,
        total: None,
        attempt: 1,
        lease_until,
        error: None,
    };
    let row = job_run::Entity::insert(run.clone().into_active_model());
    row.exec_without_returning(world.app.db.read()).await.expect("inserted");
    run.id
}

async fn the_jobs_and_their_last_runs_are_listed(world: &World) {
    let reply = world.admin().get("/v1/jobs").await;
    let items = reply.expect(200)["items"].as_array().expect("items").clone();
    let mut names: Vec<_> = items.iter().map(|item| item["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    let known = [
        "check",
        "expire-subscriptions",
        "process-webhooks",
        "purge-idempotency-keys",
        "purge-temp-orders",
        "purge-webhooks",
        "reconcile",
        "settle-payments",
    ];
    assert_eq!(names, known);
    for item in &items {
        assert_eq!(item["timezone"], "Asia/Seoul");
        assert!(item["lastRun"].is_null() && item["schedule"].is_string());
    }
    world.run_job("purge-temp-orders").await;
    let reply = world.admin().get("/v1/jobs").await;
    for item in reply.expect(200)["items"].as_array().expect("items") {
        let ran = item["name"] == "purge-temp-orders";
        assert_eq!(item["lastRun"].is_object(), ran, "{item}");
        assert!(!ran || item["lastRun"]["status"] == "DONE");
    }
}

async fn runs_by_hand_are_recorded_and_listed(world: &World) {
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    let mut expected = Vec::new();
    for affected in [0, 1, 0] {
        let reply = world.admin().post("/v1/jobs/expire-subscriptions/run", json!({})).await;
        let run = reply.expect(200);
        assert_eq!((&run["name"], &run["status"]), (&"expire-subscriptions".into(), &"DONE".into()));
        assert_eq!(run["affected"], affected);
        assert!(instant(&run["startedAt"]) <= instant(&run["finishedAt"]));
        expected.insert(0, run["scheduledFor"].clone());
        world.advance(Duration::days(40));
    }
    world.run_job("purge-temp-orders").await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/jobs/expire-subscriptions/runs?limit=2{cursor}");
        let reply = world.admin().get(&path).await;
        seen.extend(
            reply.expect(200)["items"].as_array().unwrap().iter().map(|run| run["scheduledFor"].clone()),
        );
        let Some(next) = reply.body["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, expected, "newest first, and no other job's");
}

async fn an_unknown_job_is_404(world: &World) {
    let run = world.admin().post("/v1/jobs/make-coffee/run", json!({})).await;
    run.expect_problem(404, "JOB_NOT_FOUND");
    world.admin().get("/v1/jobs/make-coffee/runs").await.expect_problem(404, "JOB_NOT_FOUND");
    assert!(rows(world).await.is_empty());
}

async fn two_services_run_each_due_time_once(world: &World) {
    let (other, _client) = world.second_service().await;
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    for night in 1..=3 {
        world.advance(Duration::days(1));
        let now = world.app.clock.now();
        let ticks = (0..10).map(|n| {
            let app = if n % 2 == 0 { &world.app } else { &other };
            run_due(app, Job::ExpireSubscriptions, now)
        });
        let ran: Vec<_> =
            join_all(ticks).await.into_iter().filter_map(|tick| tick.expect("a tick")).collect();
        assert_eq!(ran.len(), 1, "night {night}");
        assert_eq!(ran[0].scheduled_for, last_midnight(world, now));
        let rows = rows(world).await;
        assert_eq!(rows.len(), night);
        assert!(rows.iter().all(|row| row.status == JobRunStatus::Done), "{rows:?}");
    }
}

async fn midnights_that_were_missed_are_caught_up_in_one_run(world: &World) {
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    let first = run_due(&world.app, Job::ExpireSubscriptions, world.app.clock.now()).await.unwrap();
    assert_eq!(first.map(|run| run.affected), Some(0), "a start looks for the last due time");
    world.advance(Duration::days(40));
    let now = world.app.clock.now();
    let caught_up = run_due(&world.app, Job::ExpireSubscriptions, now).await.unwrap().expect("a run");
    assert_eq!((caught_up.scheduled_for, caught_up.affected), (last_midnight(world, now), 1));
    assert_eq!(caught_up.status, JobRunStatus::Done);
    assert_eq!(run_due(&world.app, Job::ExpireSubscriptions, now).await.unwrap(), None);
    assert_eq!(rows(world).await.len(), 2);
}

async fn a_run_that_lost_its_process_is_taken_over(world: &World) {
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    world.advance(Duration::days(40));
    let now = world.app.clock.now();
    let due = last_midnight(world, now);
    let lost = begun(world, due, now + Duration::seconds(30)).await;
    // As long as its lease runs it is believed alive.
    assert_eq!(run_due(&world.app, Job::ExpireSubscriptions, now).await.unwrap(), None);
    let later = now + Duration::seconds(30);
    let ticks = (0..5).map(|_| run_due(&world.app, Job::ExpireSubscriptions, later));
    let ran: Vec<_> = join_all(ticks).await.into_iter().filter_map(|tick| tick.expect("a tick")).collect();
    assert_eq!(ran.len(), 1, "one takes it over");
    assert_eq!((ran[0].id, ran[0].status, ran[0].affected), (lost, JobRunStatus::Done, 1));
    assert_eq!(rows(world).await.len(), 1);
}

async fn a_lost_run_of_an_earlier_night_blocks_nothing(world: &World) {
    let earlier = last_midnight(world, world.app.clock.now());
    begun(world, earlier, earlier + Duration::seconds(60)).await;
    world.advance(Duration::days(1));
    let now = world.app.clock.now();
    let run = run_due(&world.app, Job::ExpireSubscriptions, now).await.unwrap().expect("a run");
    assert_eq!((run.scheduled_for, run.status), (last_midnight(world, now), JobRunStatus::Done));
    let rows = rows(world).await;
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].scheduled_for, rows[0].status), (earlier, JobRunStatus::Failed));
    assert!(rows[0].error.is_some());
}

async fn a_job_that_runs_is_not_run_again_by_hand(world: &World) {
    let now = world.app.clock.now();
    begun(world, last_midnight(world, now), now + Duration::minutes(1)).await;
    let reply = world.admin().post("/v1/jobs/expire-subscriptions/run", json!({})).await;
    reply.expect_problem(409, "JOB_RUNNING");
    // Other jobs are not held up.
    world.run_job("settle-payments").await;
}

async fn settle_and_purge_are_due_every_few_seconds(world: &World) {
    for (job, seconds) in [(Job::SettlePayments, 10), (Job::PurgeTempOrders, 600)] {
        let now = world.app.clock.now();
        let first = run_due(&world.app, job, now).await.unwrap().expect("a run");
        assert_eq!(first.scheduled_for.timestamp() % seconds, 0);
        assert_eq!(run_due(&world.app, job, now).await.unwrap(), None);
        let next = run_due(&world.app, job, now + Duration::seconds(seconds)).await.unwrap().expect("a run");
        assert_eq!(next.scheduled_for - first.scheduled_for, Duration::seconds(seconds));
    }
}

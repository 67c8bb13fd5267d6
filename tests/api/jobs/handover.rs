//! Many processes, one run: who stops hands over, who is too late lets go, and clocks that were wrong skip nothing.

use chrono::Duration;
use entity::job_run::{self, JobRunStatus};
use gudok::audit::Actor;
use gudok::jobs::{Job, run_due, run_to_end};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::support::crowd::{Hold, MANY, expired, lapsed};
use crate::support::process::eventually;
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![
    a_big_job_works_in_batches_and_counts_them_all,
    a_run_that_goes_on_shows_how_far_it_has_come,
    a_process_that_stops_hands_its_run_over_at_once,
    a_run_by_hand_that_is_stopped_has_failed,
    a_run_that_another_process_took_over_is_let_go,
    a_run_done_by_a_clock_that_was_ahead_is_done_again,
    a_lease_of_a_clock_that_was_ahead_holds_nobody_up,
    a_clock_that_is_put_back_by_an_hour_does_not_rest_for_an_hour,
];

/// The nightly job's only run.
async fn run(world: &World) -> Option<job_run::Model> {
    let own = job_run::Column::Name.eq("expire-subscriptions");
    job_run::Entity::find().filter(own).one(world.app.db.read()).await.expect("read")
}

async fn a_big_job_works_in_batches_and_counts_them_all(world: &World) {
    lapsed(world).await;
    assert_eq!(world.run_job("expire-subscriptions").await, MANY as i64);
    assert_eq!(expired(world).await, MANY as u64);
    let row = run(world).await.expect("a run");
    assert_eq!((row.affected, row.total, row.attempt), (MANY as i64, Some(MANY as i64), 1));
    assert_eq!(world.run_job("expire-subscriptions").await, 0);
}

async fn a_run_that_goes_on_shows_how_far_it_has_come(world: &World) {
    // SQLite has one writer: nobody can hold one row alone.
    if world.backend == Backend::Sqlite {
        return;
    }
    lapsed(world).await;
    let hold = Hold::subscription(world, 2_500).await;
    let app = world.app.clone();
    let work = tokio::spawn(async move { run_due(&app, Job::ExpireSubscriptions, app.clock.now()).await });
    let shown = eventually("it shows how far it has come", async || {
        let reply = world.admin().get("/v1/jobs/expire-subscriptions/runs").await;
        let run = reply.expect(200)["items"][0].clone();
        (run["affected"] == 2_500).then_some(run)
    })
    .await;
    assert_eq!((&shown["status"], &shown["total"]), (&"RUNNING".into(), &MANY.into()));
    hold.release().await;
    let ended = work.await.expect("not cut off").expect("a run").expect("its own");
    assert_eq!((ended.status, ended.affected), (JobRunStatus::Done, MANY as i64));
}

async fn a_process_that_stops_hands_its_run_over_at_once(world: &World) {
    if world.backend == Backend::Sqlite {
        return;
    }
    lapsed(world).await;
    let hold = Hold::subscription(world, 2_500).await;
    let (other, _client) = world.second_service().await;
    let now = world.app.clock.now();
    let runner = other.clone();
    let work = other.tasks.spawn(async move { run_due(&runner, Job::ExpireSubscriptions, now).await });
    eventually("it waits for the row", async || (expired(world).await == 2_500).then_some(())).await;
    other.stopping.cancel();
    let left = work.await.expect("not cut off").expect("a run").expect("its own");
    assert_eq!((left.status, left.affected), (JobRunStatus::Running, 2_500));
    assert!(left.lease_until <= world.app.clock.now(), "nobody waits for {}", left.lease_until);
    hold.release().await;
    // What was under way when it stopped has been taken back, and is done by whoever ticks next.
    let ended = run_due(&world.app, Job::ExpireSubscriptions, world.app.clock.now()).await.expect("a tick");
    let ended = ended.expect("taken over");
    assert_eq!((ended.id, ended.status, ended.attempt), (left.id, JobRunStatus::Done, 2));
    assert_eq!((ended.affected, ended.total), (MANY as i64, Some(MANY as i64)));
    assert_eq!(expired(world).await, MANY as u64);
}

async fn a_run_by_hand_that_is_stopped_has_failed(world: &World) {
    if world.backend == Backend::Sqlite {
        return;
    }
    lapsed(world).await;
    let hold = Hold::subscription(world, 2_500).await;
    let (other, _client) = world.second_service().await;
    let (runner, now) = (other.clone(), world.app.clock.now());
    let work = other.tasks.spawn(async move {
        let by_hand = (&Actor::command_line(), |_progress| {});
        run_to_end(&runner, Job::ExpireSubscriptions, by_hand, now).await
    });
    eventually("it waits for the row", async || (expired(world).await == 2_500).then_some(())).await;
    other.stopping.cancel();
    let ended = work.await.expect("not cut off").expect("a run");
    assert_eq!((ended.status, ended.affected), (JobRunStatus::Failed, 2_500));
    assert!(ended.error.is_some_and(|reason| reason.contains("asked to stop")));
    hold.release().await;
    // Whoever asks again gets the rest done.
    assert_eq!(world.run_job("expire-subscriptions").await, MANY as i64 - 2_500);
}

async fn a_run_that_another_process_took_over_is_let_go(world: &World) {
    if world.backend == Backend::Sqlite {
        return;
    }
    lapsed(world).await;
    let hold = Hold::subscription(world, 2_500).await;
    let (other, _client) = world.second_service().await;
    let now = world.app.clock.now();
    let slow = tokio::spawn(async move { run_due(&other, Job::ExpireSubscriptions, now).await });
    eventually("it waits for the row", async || (expired(world).await == 2_500).then_some(())).await;
    // Its process sleeps for a minute, as far as the others can tell.
    let later = now + Duration::minutes(1);
    let app = world.app.clone();
    let fresh = tokio::spawn(async move { run_due(&app, Job::ExpireSubscriptions, later).await });
    let left = slow.await.expect("not cut off").expect("a run").expect("a row");
    assert_eq!((left.status, left.attempt), (JobRunStatus::Running, 2), "it is the other's");
    hold.release().await;
    let ended = fresh.await.expect("not cut off").expect("a run").expect("its own");
    assert_eq!((ended.id, ended.status), (left.id, JobRunStatus::Done));
    assert_eq!(expired(world).await, MANY as u64);
}

async fn a_run_done_by_a_clock_that_was_ahead_is_done_again(world: &World) {
    world.buy("u1", &world.basic().await).await;
    let now = world.app.clock.now();
    let tomorrow = Job::ExpireSubscriptions
        .schedule(&world.app)
        .next_due(now, world.app.config.billing.timezone)
        .expect("a midnight");
    // The clock stands at noon of tomorrow, is put right, and tomorrow comes.
    world.advance_to(tomorrow + Duration::hours(12));
    let early = run_due(&world.app, Job::ExpireSubscriptions, world.app.clock.now()).await.expect("a tick");
    assert_eq!(early.map(|run| run.scheduled_for), Some(tomorrow));
    world.advance(tomorrow + Duration::seconds(1) - world.app.clock.now());
    let again = run_due(&world.app, Job::ExpireSubscriptions, world.app.clock.now()).await.expect("a tick");
    let again = again.expect("done again");
    assert_eq!((again.scheduled_for, again.status, again.attempt), (tomorrow, JobRunStatus::Done, 2));
    assert_eq!(
        run_due(&world.app, Job::ExpireSubscriptions, world.app.clock.now()).await.expect("a tick"),
        None
    );
}

async fn a_lease_of_a_clock_that_was_ahead_holds_nobody_up(world: &World) {
    let now = world.app.clock.now();
    world.advance(Duration::days(3));
    super::runs::begun(world, now + Duration::days(3), now + Duration::days(3)).await;
    world.advance(Duration::days(-3));
    let ran = run_due(&world.app, Job::ExpireSubscriptions, world.app.clock.now()).await.expect("a tick");
    assert_eq!(ran.map(|run| run.status), Some(JobRunStatus::Done));
}

async fn a_clock_that_is_put_back_by_an_hour_does_not_rest_for_an_hour(world: &World) {
    let tick = async || {
        let now = world.app.clock.now();
        (run_due(&world.app, Job::ProcessWebhooks, now).await.expect("a tick"), now)
    };
    for _ in 0..40 {
        assert!(tick().await.0.is_some(), "every due time has its run");
        world.advance(Duration::seconds(90));
    }
    // Back to the middle: these due times were all served, an hour of the clock ago.
    world.advance(Duration::minutes(-45));
    for _ in 0..20 {
        let (run, now) = tick().await;
        let run = run.expect("a run");
        assert_eq!(run.status, JobRunStatus::Done);
        assert!(run.scheduled_for <= now && run.started_at >= now - Duration::seconds(1), "{run:?}");
        assert!(tick().await.0.is_none(), "once");
        world.advance(Duration::seconds(90));
    }
}

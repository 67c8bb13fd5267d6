//! A machine whose clock is moved under a running process, by libfaketime, beside another whose clock is right.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Duration, Utc};
use entity::job_run::{self, JobRunStatus};
use gudok::jobs::Schedule;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::settings;
use crate::support::crowd;
use crate::support::process::{Serving, eventually};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![a_clock_that_is_moved_stops_nothing_and_skips_nothing];

/// Why no clock can be moved; none when one can.
pub(crate) fn missing() -> Option<String> {
    library().is_none().then(|| "libfaketime is not installed".to_owned())
}

fn library() -> Option<PathBuf> {
    let places = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
        "/usr/lib64/faketime/libfaketime.so.1",
    ];
    places.into_iter().map(PathBuf::from).find(|place| place.is_file())
}

/// Says how far the clock is off, as libfaketime reads it. The file is replaced as a whole: half of it would be a time
/// too.
fn move_clock(file: &Path, offset: &str) {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, format!("{offset}\n")).expect("written");
    std::fs::rename(fresh, file).expect("replaced");
}

async fn runs(world: &World, job: &str) -> Vec<job_run::Model> {
    let done = job_run::Column::Status.eq(JobRunStatus::Done);
    job_run::Entity::find()
        .filter(job_run::Column::Name.eq(job))
        .filter(done)
        .all(world.app.db.read())
        .await
        .expect("read")
}

async fn a_clock_that_is_moved_stops_nothing_and_skips_nothing(world: &World) {
    // Its month ends while the clock is ahead, and not before.
    world.advance(-Duration::days(27));
    world.buy("u1", &world.basic().await).await;
    world.advance(Duration::days(27));
    let library = library().expect("libfaketime is demanded");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("clock");
    move_clock(&file, "+0");
    let variables = settings(
        world,
        &[
            ("LD_PRELOAD", &library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", &file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ],
    );
    let began: DateTime<Utc> = world.app.clock.now();
    let serving = Serving::start(&variables).await;
    let ran = async |wish: &str, when: &dyn Fn(&job_run::Model) -> bool| {
        let found = async || runs(world, "process-webhooks").await.into_iter().find(|run| when(run));
        eventually(wish, found).await
    };
    ran("a run by the right clock", &|run| run.started_at >= began - Duration::minutes(1)).await;
    // Put back: its ticks would be two hours away.
    move_clock(&file, "-2h");
    ran("a run by a clock that was put back", &|run| run.started_at < began - Duration::hours(1)).await;
    // Put forward, over five midnights: one run makes up for all of them.
    move_clock(&file, "+5d");
    ran("a run by a clock that was put forward", &|run| run.started_at > began + Duration::days(2)).await;
    let last = |now| Schedule::MIDNIGHT.last_due(now, world.app.config.billing.timezone).expect("a midnight");
    let due = last(began + Duration::days(5));
    eventually("the nightly job of the fifth day", async || {
        runs(world, "expire-subscriptions").await.into_iter().find(|run| run.scheduled_for == due)
    })
    .await;
    let skipped = runs(world, "expire-subscriptions").await;
    let between = |run: &&job_run::Model| run.scheduled_for > last(began) && run.scheduled_for < due;
    assert_eq!(skipped.iter().filter(between).count(), 0, "{skipped:?}");
    assert_eq!(crowd::expired(world).await, 1);
    // One whose clock is right goes on with its work beside it.
    let (steady, now) = (Serving::start(&settings(world, &[])).await, world.app.clock.now());
    let by_the_right_clock =
        |run: &job_run::Model| run.started_at >= now && run.started_at < now + Duration::hours(1);
    ran("a run by the process whose clock is right", &by_the_right_clock).await;
    world.run_job("check").await;
    assert_eq!(crowd::expired(world).await, 0, "its time is not over");
    // And right again: what the wrong clock has done already does not keep it from its work.
    move_clock(&file, "+0");
    let now = world.app.clock.now();
    ran("a run by the right clock again", &|run| {
        run.started_at >= now - Duration::seconds(30) && run.started_at < began + Duration::days(1)
    })
    .await;
    assert_eq!(crowd::expired(world).await, 0);
    drop((serving, steady));
}

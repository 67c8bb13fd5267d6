//! The nightly job `expire-subscriptions` against one bare `UPDATE` of the same rows, and what buyers feel of it.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{ENGINES, buyers, ticking};
use crate::drive::{Load, Plan, closed, open};
use crate::http::{Connection, Key};
use crate::seed::{self, Seed};
use crate::service::Process;
use crate::table::{Engine, Target};
use crate::world::{Books, World};

const CLIENTS: usize = 32;
const JOB: [&str; 3] = ["job", "run", "expire-subscriptions"];
/// The share of what 32 buyers can do at most at which buyers buy beside the job.
const SHARE: f64 = 0.4;
/// How many measurements long they do, before it, beside it and after it: a disk that stands still now and then must have
/// done so in all. The job takes its time beside them, and goes on alone then.
const BESIDE: u32 = 20;

pub(super) async fn run(world: &World) {
    let subscriptions = world.settings.subscriptions;
    let seed = Seed { payments: subscriptions, users: subscriptions };
    for engine in ENGINES {
        let toss = world.toss().await;
        for run in 1..=world.settings.runs {
            world.say(&format!("{engine:?}: expire, run {run}"));
            let bare = bare(world, engine, seed).await;
            let job = alone(world, &toss, engine, seed).await;
            world.add(engine, "expire-subscriptions, half of all", " s", job);
            world.add(engine, "one bare UPDATE of them", " s", bare);
            if engine == Engine::Postgres {
                let beside = beside_a_replica(world, &toss, seed).await;
                let figure = "the same while a replica's scheduler ticks, of the bare UPDATE";
                world.aim(figure, "×", Target::AtMost(1.5), beside / bare);
            }
            let figure = "expire-subscriptions of the bare UPDATE";
            match engine {
                Engine::Postgres => world.aim(figure, "×", Target::AtMost(1.5), job / bare),
                Engine::Sqlite => world.add(engine, figure, "×", job / bare),
            }
        }
    }
}

/// What buyers feel of the job.
pub(super) async fn beside(world: &World) {
    let subscriptions = world.settings.subscriptions;
    let seed = Seed { payments: subscriptions, users: subscriptions };
    for engine in ENGINES {
        let toss = world.toss().await;
        for run in 1..=world.settings.runs {
            world.say(&format!("{engine:?}: purchases beside the job, run {run}"));
            buyers_beside(world, &toss, engine, seed).await;
        }
    }
}

/// Seconds of the job on fresh books, where a process serves nobody but looks every second what is due.
async fn beside_a_replica(world: &World, toss: &Process, seed: Seed) -> f64 {
    let books = world.books(Engine::Postgres, seed).await;
    let replica = ticking(world, &books, toss).await;
    let took = world.gudok(&books, toss).run(&JOB).await;
    assert_eq!(left(&books).await, "0", "the job has left some");
    let db = seed::connect(&books.url).await;
    let runs =
        "SELECT CAST(COUNT(*) AS text) FROM job_run WHERE name = 'expire-subscriptions' AND affected > 0";
    assert_eq!(seed::column(&db, runs).await, ["1"], "the replica has run it");
    db.close().await.expect("closed");
    replica.stop().await;
    world.discard(books).await;
    took.as_secs_f64()
}

/// Seconds of the job on fresh books, with nobody else.
async fn alone(world: &World, toss: &Process, engine: Engine, seed: Seed) -> f64 {
    let books = world.books(engine, seed).await;
    let took = world.gudok(&books, toss).run(&JOB).await;
    assert_eq!(left(&books).await, "0", "the job has left some");
    world.discard(books).await;
    took.as_secs_f64()
}

/// Seconds of the statement on fresh books.
async fn bare(world: &World, engine: Engine, seed: Seed) -> f64 {
    let books = world.books(engine, seed).await;
    let db = seed::connect(&books.url).await;
    let now = match engine {
        Engine::Postgres => "now()",
        Engine::Sqlite => "strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now')",
    };
    let begun = Instant::now();
    let sql = format!(
        "UPDATE subscription SET status = 'EXPIRED', is_active = false, changes_at = NULL, updated_at = {now}
         WHERE changes_at <= {now} AND end_date <= {now}"
    );
    seed::run(&db, &sql).await;
    let took = begun.elapsed();
    db.close().await.expect("closed");
    assert_eq!(left(&books).await, "0", "the statement has left some");
    world.discard(books).await;
    took.as_secs_f64()
}

/// How many still run though their time is over.
async fn left(books: &Books) -> String {
    let db = seed::connect(&books.url).await;
    let now = match books.engine {
        Engine::Postgres => "now() - interval '1 day'",
        Engine::Sqlite => "strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now', '-1 day')",
    };
    let sql =
        format!("SELECT CAST(COUNT(*) AS text) FROM subscription WHERE is_active AND end_date <= {now}");
    let counted = seed::column(&db, &sql).await;
    db.close().await.expect("closed");
    counted.concat()
}

/// Runs the job in the process that serves, as its scheduler would, and tells how long that took.
async fn job_of(address: SocketAddr) -> Duration {
    let begun = Instant::now();
    let mut connection = Connection::to(address);
    // A job that takes longer than a caller waits goes on; then its run tells when it is done.
    let _ = connection.post("/v1/jobs/expire-subscriptions/run", Key::Admin, "").await;
    loop {
        let answer = connection.get("/v1/jobs/expire-subscriptions/runs?limit=1", Key::Admin).await;
        match answer.map(|answer| answer.member("status").map(str::to_owned)) {
            Ok(Some(status)) if status == "DONE" => return begun.elapsed(),
            Ok(Some(status)) if status == "RUNNING" => tokio::time::sleep(Duration::from_millis(100)).await,
            other => panic!("the job does not run: {other:?}"),
        }
    }
}

/// Has the server write out what it has changed so far, so that neither those who buy first pay for the books that were just
/// copied, nor those who buy second for the first.
async fn write_out(world: &World, engine: Engine) {
    if engine == Engine::Postgres {
        world.administer("CHECKPOINT").await;
    }
}

/// Buyers come at a steady rate: alone, while the job runs, and alone again, so that neither what a fresh copy costs them nor what
/// has been read meanwhile decides. Those who came alone count together.
async fn buyers_beside(world: &World, toss: &Process, engine: Engine, seed: Seed) {
    let books = world.books(engine, seed).await;
    let service = world.gudok(&books, toss).serve().await;
    let addresses = [service.address];
    let most = closed(world.plan(&addresses, CLIENTS), buyers(world.number())).await;
    let rate = most.rate() * SHARE;
    let plan = || {
        let plan = world.plan(&addresses, CLIENTS);
        Plan { time: plan.time * BESIDE, ..plan }
    };
    let undisturbed = async || {
        write_out(world, engine).await;
        open(plan(), rate, &Cell::new(false), buyers(world.number())).await
    };
    let before = undisturbed().await;
    let done = Cell::new(false);
    write_out(world, engine).await;
    // The job's beginning counts.
    let beside = Plan { warm: Duration::ZERO, ..plan() };
    let job = async {
        let took = job_of(service.address).await;
        done.set(true);
        took
    };
    let (took, load): (Duration, Load) = tokio::join!(job, open(beside, rate, &done, buyers(world.number())));
    let after = undisturbed().await;
    world.complain("purchases beside the job", &load);
    for alone in [&before, &after] {
        world.complain("purchases without the job", alone);
    }
    world.add(engine, "expire-subscriptions, its beginning beside these buyers", " s", took.as_secs_f64());
    let name = "purchases at 0.4 of the most (open loop), p99";
    let without = before.and(after);
    let all = [&without, &load];
    for (way, [without, with]) in [
        ("", all.map(|load| load.millis(0.99))),
        (" of an ordinary second", all.map(|load| load.ordinary_millis(0.99))),
    ] {
        world.add(engine, &format!("{name}{way} before and after the job"), " ms", without);
        world.add(engine, &format!("{name}{way} while it runs"), " ms", with);
        let figure = format!("{name}{way} while it runs, of that without");
        match engine {
            Engine::Postgres => world.aim(&figure, "×", Target::AtMost(2.0), with / without),
            Engine::Sqlite => world.add(engine, &figure, "×", with / without),
        }
    }
    service.stop().await;
    world.discard(books).await;
}

//! Start-up until `/readyz`, and memory with nothing to do.

use std::time::Duration;

use super::{ENGINES, SMALL};
use crate::table::{Engine, Target};
use crate::world::World;

pub(super) async fn run(world: &World) {
    for engine in ENGINES {
        let (toss, books) = (world.toss().await, world.books(engine, SMALL).await);
        for run in 1..=world.settings.runs {
            world.say(&format!("{engine:?}: start, run {run}"));
            let service = world.gudok(&books, &toss).serve().await;
            let seconds = service.ready_after.as_secs_f64();
            match engine {
                Engine::Postgres => world.aim("start to /readyz", " s", Target::AtMost(0.3), seconds),
                Engine::Sqlite => world.add(engine, "start to /readyz", " s", seconds),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            world.add(engine, "memory, idle", " MiB", service.memory().0);
            service.stop().await;
        }
        world.discard(books).await;
    }
}

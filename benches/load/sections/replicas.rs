//! Two gudok processes on one database against one, on the same machine.

use super::{SMALL, buyers, checks, serve_with};
use crate::drive::closed;
use crate::table::{Engine, Target};
use crate::world::World;

const CLIENTS: usize = 32;

pub(super) async fn run(world: &World) {
    let (toss, books) = (world.toss().await, world.books(Engine::Postgres, SMALL).await);
    let serve = async |more: &[_]| serve_with(world, &books, &toss, more).await;
    let (one, other) = (serve(&[]).await, serve(&[]).await);
    let half = half();
    let halves = (serve(&half).await, serve(&half).await);
    let sets = [
        vec![one.address],
        // What operations.md tells those who run several on one machine.
        vec![halves.0.address, halves.1.address],
        vec![one.address, other.address],
    ];
    for run in 1..=world.settings.runs {
        world.say(&format!("replicas, run {run}"));
        let (mut bought, mut read, mut errors) = ([0.0; 3], [0.0; 3], 0);
        // Each is first, in the middle and last in turn: books grow, and a machine has its minutes.
        for turn in 0..3 {
            let set = usize::try_from(run + turn).unwrap_or_default() % 3;
            let load = closed(world.plan(&sets[set], CLIENTS), buyers(world.number())).await;
            world.complain("purchases at replicas", &load);
            errors += load.errors;
            bought[set] = load.rate();
            let load = closed(world.plan(&sets[set], CLIENTS), checks(SMALL.users)).await;
            world.complain("reads at replicas", &load);
            errors += load.errors;
            read[set] = load.rate();
        }
        let figure = "purchases of two replicas with half of the cores each, of one's";
        world.aim(figure, "", Target::AtLeast(1.0), bought[1] / bought[0]);
        world.add(Engine::Postgres, "reads of two such replicas, of one's", "", read[1] / read[0]);
        let figure = "purchases of two replicas with nothing set, of one's";
        world.add(Engine::Postgres, figure, "", bought[2] / bought[0]);
        world.add(Engine::Postgres, "reads of these two, of one's", "", read[2] / read[0]);
        world.aim("errors at two replicas", "", Target::AtMost(0.0), errors as f64);
    }
    for process in [one, other, halves.0, halves.1] {
        process.stop().await;
    }
    world.discard(books).await;
}

/// Half of the threads that one process takes by itself, as where each may use half of the cores.
fn half() -> [(String, String); 1] {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    [("TOKIO_WORKER_THREADS".to_owned(), (cores / 2).max(1).to_string())]
}

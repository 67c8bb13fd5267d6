//! Two gudok processes on one database against one, on the same machine.

use super::{SMALL, buyers, checks};
use crate::drive::closed;
use crate::table::{Engine, Target};
use crate::world::World;

const CLIENTS: usize = 32;

pub(super) async fn run(world: &World) {
    let (toss, books) = (world.toss().await, world.books(Engine::Postgres, SMALL).await);
    let (one, other) = (world.gudok(&books, &toss).serve().await, world.gudok(&books, &toss).serve().await);
    let both = [one.address, other.address];
    for run in 1..=world.settings.runs {
        world.say(&format!("replicas, run {run}"));
        let (mut bought, mut read, mut errors) = (Vec::new(), Vec::new(), 0);
        for addresses in [&both[..1], &both[..]] {
            let load = closed(world.plan(addresses, CLIENTS), buyers(world.number())).await;
            world.complain("purchases at replicas", &load);
            errors += load.errors;
            bought.push(load.rate());
            let load = closed(world.plan(addresses, CLIENTS), checks(SMALL.users)).await;
            world.complain("reads at replicas", &load);
            errors += load.errors;
            read.push(load.rate());
        }
        let figure = "purchases of two replicas, of one's";
        world.aim(figure, "", Target::AtLeast(1.0), bought[1] / bought[0]);
        world.add(Engine::Postgres, "reads of two replicas, of one's", "", read[1] / read[0]);
        world.aim("errors at two replicas", "", Target::AtMost(0.0), errors as f64);
    }
    one.stop().await;
    other.stop().await;
    world.discard(books).await;
}

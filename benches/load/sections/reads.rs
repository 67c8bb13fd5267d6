//! Entitlement checks, `GET /v1/users/{userId}/subscription`, beside pgbench's `SELECT` of the same row.

use super::{Costs, ENGINES, SMALL, checks};
use crate::drive::{closed, open};
use crate::pgbench::Script;
use crate::seed::FIRST_USER;
use crate::table::{Engine, Target};
use crate::world::World;

const CLIENTS: usize = 32;

pub(super) async fn run(world: &World) {
    for engine in ENGINES {
        let (toss, books) = (world.toss().await, world.books(engine, SMALL).await);
        let service = world.gudok(&books, &toss).serve().await;
        let addresses = [service.address];
        for run in 1..=world.settings.runs {
            world.say(&format!("{engine:?}: reads, run {run}"));
            let costs = Costs::begin(&service, None);
            let load = closed(world.plan(&addresses, CLIENTS), checks(SMALL.users)).await;
            world.add_load(engine, "entitlement reads, 32 clients", &load);
            costs.end(world, engine, "a read", &load);
            if engine == Engine::Postgres {
                let seconds = world.settings.seconds;
                let most = select(world).run(world.cluster(), &books.name, CLIENTS, seconds, run).await;
                world.add(engine, "pgbench SELECT of the row, 32 clients, per second", "", most);
                world.aim("entitlement reads of pgbench's", "", Target::AtLeast(0.5), load.rate() / most);
            }
            // Half of what it can do, at even distances: what a caller waits on an ordinary day.
            let half = load.rate() / 2.0;
            let even = open(world.plan(&addresses, CLIENTS), half, &false.into(), checks(SMALL.users)).await;
            world.add(
                engine,
                "entitlement reads at half that rate (open loop), p99",
                " ms",
                even.millis(0.99),
            );
            world.complain("reads, open loop", &even);
        }
        service.stop().await;
        world.discard(books).await;
    }
}

fn select(world: &World) -> Script {
    let (first, last) = (FIRST_USER, FIRST_USER + SMALL.users - 1);
    let text = format!("\\set u random({first}, {last})\nSELECT * FROM subscription WHERE user_id = :u;\n");
    Script::plain("read", world.cluster(), text)
}

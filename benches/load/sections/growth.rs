//! The same on big books as on small ones: purchases, reads and lists with ten million payments stored.

use super::{SMALL, buyers, checks, lists};
use crate::drive::{Load, closed};
use crate::seed::Seed;
use crate::table::{Engine, Target};
use crate::world::World;

const CLIENTS: usize = 32;
/// How often in a run both books are bought from in turn: a shared machine is seldom the same for long.
const TURNS: usize = 4;

pub(super) async fn run(world: &World) {
    let payments = world.settings.payments;
    let big = Seed { payments, users: payments / 5 };
    let toss = world.toss().await;
    let (small_books, big_books) =
        (world.books(Engine::Postgres, SMALL).await, world.own_books(Engine::Postgres, big).await);
    let small_service = world.gudok(&small_books, &toss).serve().await;
    let big_service = world.gudok(&big_books, &toss).serve().await;
    let figure = format!("{payments} payments: start to /readyz");
    world.add(Engine::Postgres, &figure, " s", big_service.ready_after.as_secs_f64());
    for run in 1..=world.settings.runs {
        world.say(&format!("growth, run {run}"));
        let mut rates = Vec::new();
        let mut order = [(&small_service, SMALL.users), (&big_service, big.users)];
        // Whatever the machine does meanwhile must not always strike the same.
        if run % 2 == 0 {
            order.reverse();
        }
        let mut bought = [None, None];
        for turn in 0..TURNS {
            let mut both = [0, 1];
            if turn % 2 == 1 {
                both.reverse();
            }
            for at in both {
                let addresses = [order[at].0.address];
                let load = closed(world.plan(&addresses, CLIENTS), buyers(world.number())).await;
                bought[at] = Some(match bought[at].take() {
                    Some(before) => Load::and(before, load),
                    None => load,
                });
            }
        }
        for ((service, users), bought) in order.into_iter().zip(bought.into_iter().flatten()) {
            let addresses = [service.address];
            let read = closed(world.plan(&addresses, CLIENTS), checks(users)).await;
            // What is read again and again is in memory, as the small books are.
            let few = closed(world.plan(&addresses, CLIENTS), checks(SMALL.users)).await;
            let mut all = vec![
                ("purchases, 32 buyers", bought),
                ("entitlement reads, 32 clients", read),
                ("entitlement reads of 2,000 users, 32 clients", few),
            ];
            all.extend(lists::pages(world, service.address, users).await);
            rates.push(all);
        }
        if run % 2 == 0 {
            rates.reverse();
        }
        let [small, big] = &rates[..] else { panic!("two books") };
        for ((name, small), (_, big)) in small.iter().zip(big) {
            let figure = format!("{payments} payments: {name}");
            world.add_load(Engine::Postgres, &figure, big);
            let figure = format!("{payments} payments: {name}, of those with {}", SMALL.payments);
            let ratio = big.rate() / small.rate();
            if name.starts_with("purchases") {
                world.aim(&figure, "", Target::AtLeast(0.9), ratio);
            } else {
                world.add(Engine::Postgres, &figure, "", ratio);
            }
        }
    }
    let (_, most) = big_service.memory();
    world.add(Engine::Postgres, &format!("{payments} payments: memory at most"), " MiB", most);
    small_service.stop().await;
    big_service.stop().await;
    let checked = world.gudok(&big_books, &toss).run(&["check"]).await;
    let figure = format!("{payments} payments: gudok check");
    world.add(Engine::Postgres, &figure, " s", checked.as_secs_f64());
    world.discard(small_books).await;
    world.discard(big_books).await;
}

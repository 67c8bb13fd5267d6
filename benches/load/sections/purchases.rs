//! Purchases: a quoted order and its confirmation, by 1, 8, 32 and 64 buyers, beside pgbench with the same statements.

use std::time::Duration;

use super::{Costs, ENGINES, SMALL, buy, buyers};
use crate::drive::closed;
use crate::http::Connection;
use crate::pgbench::Script;
use crate::table::{Engine, Target};
use crate::world::World;

const BUYERS: [usize; 4] = [1, 8, 32, 64];

pub(super) async fn run(world: &World) {
    let script = script(world).await;
    let limit = world.books(Engine::Postgres, SMALL).await;
    for engine in ENGINES {
        let (toss, books) = (world.toss().await, world.books(engine, SMALL).await);
        let service = world.gudok(&books, &toss).serve().await;
        for run in 1..=world.settings.runs {
            for clients in BUYERS {
                world.say(&format!("{engine:?}: purchases, run {run}, {clients} buyers"));
                let costs = Costs::begin(&service, Some(&toss));
                let addresses = [service.address];
                let load = closed(world.plan(&addresses, clients), buyers(world.number())).await;
                world.add_load(engine, &format!("purchases, {clients} buyers"), &load);
                if clients == 32 {
                    costs.end(world, engine, "a purchase", &load);
                }
                if engine == Engine::Postgres {
                    let seconds = world.settings.seconds;
                    let most =
                        script.run(world.cluster(), &limit.name, clients, seconds, world.number()).await;
                    world.add(
                        engine,
                        &format!("pgbench with a purchase's statements, {clients} clients, per second"),
                        "",
                        most,
                    );
                    let figure = format!("purchases of pgbench's, {clients} buyers");
                    match clients {
                        32 => world.aim(&figure, "", Target::AtLeast(0.50), load.rate() / most),
                        _ => world.add(engine, &figure, "", load.rate() / most),
                    }
                }
            }
        }
        let (_, most) = service.memory();
        let figure = "memory at most, 64 buyers";
        match engine {
            Engine::Postgres => world.aim(figure, " MiB", Target::AtMost(64.0), most),
            Engine::Sqlite => world.add(engine, figure, " MiB", most),
        }
        service.stop().await;
        world.discard(books).await;
    }
    world.discard(limit).await;
}

/// What a purchase sends to the database, read from the server's log.
pub(super) async fn script(world: &World) -> Script {
    let (toss, books) = (world.toss().await, world.books(Engine::Postgres, SMALL).await);
    world.administer(&format!("ALTER DATABASE {} SET log_statement = 'all'", books.name)).await;
    let service = world.gudok(&books, &toss).serve().await;
    let mut connection = Connection::to(service.address);
    let mut wrong = String::new();
    for attempt in 0..20 {
        let logged = async |connection: &mut Connection, user: String| {
            let before = world.cluster().log().len();
            buy(connection, &user).await.expect("bought");
            settled_log(world, before).await
        };
        let first = logged(&mut connection, format!("logged-a{attempt}")).await;
        let second = logged(&mut connection, format!("logged-b{attempt}")).await;
        // Jobs look for work now and then; then they stand between.
        match Script::of("purchase", world.cluster(), (&first, &second)) {
            Ok(script) => {
                service.stop().await;
                world.discard(books).await;
                world.say(&format!(
                    "a purchase: {} statements, {} transactions among them",
                    script.statements, script.transactions
                ));
                if world.settings.statements {
                    world.say(&script.text);
                }
                return script;
            }
            Err(error) => wrong = error,
        }
    }
    panic!("two purchases never sent the same statements: {wrong}");
}

/// What the log has got since `before`, once it does not grow any more.
pub(super) async fn settled_log(world: &World, before: usize) -> String {
    let mut length = before;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let log = world.cluster().log();
        if log.len() == length && length > before {
            return log[before..].to_owned();
        }
        length = log.len();
    }
    panic!("the server logs no statements")
}

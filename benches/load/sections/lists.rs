//! Lists: the first page of payments, a page far behind it, the payments of one user, and subscriptions.

use std::net::SocketAddr;

use super::{ENGINES, SMALL, fetch, scatter};
use crate::drive::{Load, closed};
use crate::http::{Connection, Key};
use crate::seed::FIRST_USER;
use crate::world::World;

const CLIENTS: usize = 8;
/// Pages of a hundred rows to walk before a page counts as far behind.
const PAGES: usize = 50;

pub(super) async fn run(world: &World) {
    for engine in ENGINES {
        let (toss, books) = (world.toss().await, world.books(engine, SMALL).await);
        let service = world.gudok(&books, &toss).serve().await;
        for run in 1..=world.settings.runs {
            world.say(&format!("{engine:?}: lists, run {run}"));
            for (name, load) in pages(world, service.address, SMALL.users).await {
                world.add_load(engine, name, &load);
            }
        }
        service.stop().await;
        world.discard(books).await;
    }
}

/// The kinds of pages, each by 8 callers.
pub(super) async fn pages(world: &World, address: SocketAddr, users: u64) -> [(&'static str, Load); 5] {
    let addresses = [address];
    let deep = deep(address).await;
    let plan = || world.plan(&addresses, CLIENTS);
    let first = closed(plan(), async |connection, _| fetch(connection, "/v1/payments", Key::Admin).await);
    let first = first.await;
    let deep = closed(plan(), async |connection, _| fetch(connection, &deep, Key::Admin).await).await;
    let subscriptions = async |query: &str| {
        let path = format!("/v1/subscriptions{query}");
        closed(plan(), async |connection, _| fetch(connection, &path, Key::Admin).await).await
    };
    let (everybodys, over) = (subscriptions("").await, subscriptions("?isActive=false").await);
    let own = closed(plan(), async |connection, number| {
        let user = FIRST_USER + scatter(number) % users;
        fetch(connection, &format!("/v1/payments?userId={user}"), Key::Service).await
    });
    [
        ("payments, first page of 20, 8 callers", first),
        ("payments, 20 behind the 5,000th, 8 callers", deep),
        ("payments of one user, 8 callers", own.await),
        ("subscriptions, first page of 20, 8 callers", everybodys),
        ("subscriptions that are over, first page of 20, 8 callers", over),
    ]
}

/// The path of the page that follows fifty of a hundred rows.
async fn deep(address: SocketAddr) -> String {
    let mut connection = Connection::to(address);
    let mut cursor = String::new();
    for _ in 0..PAGES {
        let path = format!("/v1/payments?limit=100{cursor}");
        let answer = connection.get(&path, Key::Admin).await.expect("a page");
        let next = answer.member("nextCursor").unwrap_or_else(|| panic!("{} {}", answer.status, answer.body));
        cursor = format!("&cursor={next}");
    }
    format!("/v1/payments?limit=20{cursor}")
}

//! What is measured, a file per subject.

use crate::drive::Load;
use crate::http::{Connection, Key};
use crate::seed::{FIRST_USER, PLAN, PRICE, Seed};
use crate::service::{Process, processor_seconds};
use crate::table::Engine;
use crate::world::{Books, WARM, World};

mod expire;
mod growth;
mod lists;
mod purchases;
mod reads;
mod refunds;
mod replicas;
mod start;

/// Every section's name, in the order in which they run.
pub(crate) const NAMES: [&str; 9] =
    ["start", "purchases", "refunds", "reads", "lists", "replicas", "expire", "beside", "growth"];

/// Small books: where nothing is said of size, this many payments are stored.
const SMALL: Seed = Seed { payments: 10_000, users: 2_000 };

const ENGINES: [Engine; 2] = [Engine::Postgres, Engine::Sqlite];

/// Runs the section `name`.
pub(crate) async fn run(world: &World, name: &str) {
    match name {
        "start" => start::run(world).await,
        "purchases" => purchases::run(world).await,
        "refunds" => refunds::run(world).await,
        "reads" => reads::run(world).await,
        "lists" => lists::run(world).await,
        "replicas" => replicas::run(world).await,
        "expire" => expire::run(world).await,
        "beside" => expire::beside(world).await,
        "growth" => growth::run(world).await,
        other => panic!("no section {other}; there are {}", NAMES.join(", ")),
    }
}

/// Buys once: quotes an order and confirms it. Gives the order.
async fn buy(connection: &mut Connection, user: &str) -> Result<String, String> {
    let quote = format!("{{\"planId\":\"{PLAN}\",\"userId\":\"{user}\"}}");
    let answer = connection.post("/v1/temp-orders", Key::Service, &quote).await?;
    let order = answer.member("orderId").filter(|_| answer.status == 201);
    let order = order.ok_or_else(|| format!("{} {}", answer.status, answer.body))?.to_owned();
    let confirm = format!("{{\"paymentKey\":\"pay-{order}\",\"orderId\":\"{order}\",\"amount\":{PRICE}}}");
    let answer = connection.post("/v1/payments/confirm", Key::Service, &confirm).await?;
    if answer.status == 200 { Ok(order) } else { Err(format!("{} {}", answer.status, answer.body)) }
}

/// Buyers who have never bought before; `load` tells one load's buyers from another's.
fn buyers(load: u64) -> impl AsyncFn(&mut Connection, u64) -> Result<(), String> {
    async move |connection, number| buy(connection, &format!("buyer-{load}-{number}")).await.map(drop)
}

/// Entitlement checks of users all over the books.
fn checks(users: u64) -> impl AsyncFn(&mut Connection, u64) -> Result<(), String> {
    async move |connection, number| {
        let user = FIRST_USER + scatter(number) % users;
        fetch(connection, &format!("/v1/users/{user}/subscription"), Key::Service).await
    }
}

/// A gudok with `more` settings than the benchmark was told.
async fn serve_with(world: &World, books: &Books, toss: &Process, more: &[(String, String)]) -> Process {
    let settings = [world.settings.gudok.as_slice(), more].concat();
    let mut gudok = world.gudok(books, toss);
    gudok.settings = &settings;
    gudok.serve().await
}

/// A gudok whose scheduler runs what is due, besides nothing else to do.
async fn ticking(world: &World, books: &Books, toss: &Process) -> Process {
    let scheduler = ("GUDOK__SCHEDULER__ENABLED".to_owned(), "true".to_owned());
    serve_with(world, books, toss, &[scheduler]).await
}

/// Processor time that a load costs, by process.
struct Costs<'a>(Vec<(&'static str, Option<&'a Process>, f64)>);

impl<'a> Costs<'a> {
    fn begin(gudok: &'a Process, sandbox: Option<&'a Process>) -> Self {
        let mut processes = vec![("gudok", Some(gudok)), ("driver", None)];
        processes.extend(sandbox.map(|sandbox| ("sandbox", Some(sandbox))));
        Self(processes.into_iter().map(|(name, process)| (name, process, Self::of(process))).collect())
    }

    fn of(process: Option<&Process>) -> f64 {
        process.map_or_else(|| processor_seconds("self"), Process::processor_seconds)
    }

    fn end(&self, world: &World, engine: Engine, what: &str, load: &Load) {
        // The warm-up's are not counted, but had to be worked for.
        let done = load.rate() * (load.seconds + WARM.as_secs_f64());
        for (name, process, before) in &self.0 {
            let each = (Self::of(*process) - before) / done * 1_000.0;
            world.add(engine, &format!("processor time of {what}, {name}"), " ms", each);
        }
    }
}

async fn fetch(connection: &mut Connection, path: &str, key: Key) -> Result<(), String> {
    let answer = connection.get(path, key).await?;
    if answer.status == 200 { Ok(()) } else { Err(format!("{} {}", answer.status, answer.body)) }
}

/// Numbers that jump about, the same in every run (the finalizer of `SplitMix64`).
fn scatter(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

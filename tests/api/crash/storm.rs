//! Buyers and refunders without pause, while the product is killed again and again, Toss suffers every fault it knows, its
//! webhooks come twice and in the wrong order, and PostgreSQL crashes beneath. Afterwards the books must agree.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use entity::payment::{self, PaymentStatus};
use entity::refund::{self, RefundStatus};
use futures_util::future::join_all;
use gudok::crash::{Point, VARIABLE};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sea_orm::EntityTrait;
use toss_sandbox::{Chaos, FaultKind, Operation, WebhookChaos, WebhookFaultKind};

use super::shop::Shop;
use crate::support::postgres::Cluster;
use crate::support::process::{Serving, complaint, run};
use crate::support::say;
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![no_won_is_lost_in_a_storm_of_crashes_and_faults];

/// How many seconds the storm lasts, and with which dice: a long one is `GUDOK_TEST_STORM_SECS=1800`.
const SECONDS: &str = "GUDOK_TEST_STORM_SECS";
const SEED: &str = "GUDOK_TEST_STORM_SEED";
/// Customers at once.
const CUSTOMERS: u64 = 24;

async fn no_won_is_lost_in_a_storm_of_crashes_and_faults(world: &World) {
    match world.backend {
        Backend::Sqlite => drop(storm(world, None).await),
        Backend::Postgres => {
            // A server of its own, which may crash without a word to other scenarios.
            let cluster = Cluster::start();
            let url = cluster.url("postgres");
            let folder = tempfile::tempdir().expect("a temporary folder");
            let own = World::on(Backend::Postgres, &url, folder).await;
            // It must outlive the last look into the books.
            let cluster = storm(&own, Some(cluster)).await;
            own.end().await;
            drop(cluster);
        }
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

async fn storm(world: &World, cluster: Option<Cluster>) -> Option<Cluster> {
    let (seconds, seed) = (number(SECONDS, 12), number(SEED, 7));
    let plans = vec![world.basic().await, world.premium().await, world.event().await];
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let base = format!("http://127.0.0.1:{port}");
    world.toss.set_webhook_url(Some(format!("{base}/v1/webhooks/toss"))).expect("a URL");
    world.toss.chaos(chaos(seed));
    world.toss.webhook_chaos(webhook_chaos(seed));
    let until = Instant::now() + Duration::from_secs(seconds);
    let shop = Shop::new(base, &world.toss, plans, until);
    let customers = join_all((0..CUSTOMERS).map(|n| shop.customer(StdRng::seed_from_u64(seed ^ n << 8))));
    let killer = kill_again_and_again(variables(world, port), until, StdRng::seed_from_u64(seed));
    let database = crash_the_database(cluster, until);
    let ((), killed, (cluster, database_crashes)) =
        tokio::join!(async { drop(customers.await) }, killer, database);
    world.toss.clear_faults();
    world.toss.clear_webhook_faults();
    world.toss.set_webhook_url(None).expect("no URL");
    heal(world).await;
    let outcome = settle_accounts(world, &shop).await;
    say(&format!(
        "storm on {}: {seconds} s, {killed:?}, database crashes {database_crashes}, orders {outcome:?}, \
         faults {:?}, webhook faults {:?}, differences 0",
        world.backend.name(),
        world.toss.faults_struck(),
        world.toss.webhook_faults_struck(),
    ));
    cluster
}

fn chaos(seed: u64) -> Chaos {
    use FaultKind::{
        Delay, DropAfter, DropBefore, ErrorAfter, ErrorBefore, Html, InFlight, RateLimited, Reject,
        TruncatedJson,
    };
    let kinds = [
        DropBefore,
        DropAfter,
        Delay,
        ErrorBefore,
        ErrorAfter,
        Html,
        TruncatedJson,
        RateLimited,
        InFlight,
        Reject,
    ];
    let calls = [Operation::Confirm, Operation::Cancel, Operation::Get];
    // Some delays are longer than the product waits.
    Chaos { max_delay_ms: Some(3_000), ..Chaos::new(seed, 200, kinds).on(calls) }
}

fn webhook_chaos(seed: u64) -> WebhookChaos {
    use WebhookFaultKind::{AfterAnswer, BeforeAnswer, Delay, Drop, Duplicate, DuplicateNewId, Reorder};
    WebhookChaos::new(seed, 500, [Duplicate, DuplicateNewId, Reorder, Delay, Drop, BeforeAnswer, AfterAnswer])
}

fn variables(world: &World, port: u16) -> HashMap<String, String> {
    let mut variables = world.variables.clone();
    for (name, value) in [
        ("GUDOK__SERVER__BIND", format!("127.0.0.1:{port}")),
        ("GUDOK__TOSS__REQUEST_TIMEOUT_MS", "2000".to_owned()),
        ("GUDOK__TOSS__WEBHOOKS_PER_MINUTE", "100000".to_owned()),
        ("GUDOK__SERVER__ANSWER_WITHIN_MS", "3000".to_owned()),
        ("GUDOK__SCHEDULER__ENABLED", "true".to_owned()),
        ("GUDOK__SCHEDULER__SETTLE_INTERVAL_SECS", "1".to_owned()),
    ] {
        variables.insert(name.to_owned(), value);
    }
    variables
}

/// How often the product died.
#[derive(Debug, Default)]
struct Killed {
    at_random: u32,
    at_points: BTreeMap<&'static str, u32>,
}

/// Starts the product and kills it, at random or at a point of the money path, until the storm is over.
async fn kill_again_and_again(
    variables: HashMap<String, String>,
    until: Instant,
    mut dice: StdRng,
) -> Killed {
    let mut killed = Killed::default();
    while Instant::now() < until {
        let mut own = variables.clone();
        let point = dice.random_bool(0.6).then(|| Point::ALL[dice.random_range(0..Point::ALL.len())]);
        if let Some(point) = point {
            own.insert(VARIABLE.to_owned(), point.name().to_owned());
        }
        // While its database is down it refuses to start, as it should.
        let Some(mut serving) = Serving::try_start(&own).await else { continue };
        let lives = Duration::from_millis(dice.random_range(200..2_500));
        let dies_at = (Instant::now() + lives).min(until + Duration::from_millis(500));
        while Instant::now() < dies_at && !serving.has_ended() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        match point.filter(|_| serving.has_ended()) {
            Some(point) => *killed.at_points.entry(point.name()).or_default() += 1,
            None => killed.at_random += 1,
        }
        serving.kill();
        serving.ended().await;
    }
    killed
}

/// Crashes the database every few seconds, if it is one that can.
async fn crash_the_database(cluster: Option<Cluster>, until: Instant) -> (Option<Cluster>, u32) {
    let Some(mut cluster) = cluster else { return (None, 0) };
    let mut crashes = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(4)).await;
        if Instant::now() >= until {
            return (Some(cluster), crashes);
        }
        let again = tokio::task::spawn_blocking(move || {
            cluster.crash();
            cluster.resume();
            cluster
        });
        cluster = again.await.expect("restarted");
        crashes += 1;
    }
}

/// Another process takes over what the dead have left, for as long as anything is open.
async fn heal(world: &World) {
    for _ in 0..40 {
        world.advance(chrono::Duration::seconds(15));
        let app = &world.app;
        for settled in [
            gudok::payments::settle_due(app).await,
            gudok::refunds::settle_due(app).await,
            gudok::compensations::settle_due(app).await,
            gudok::webhooks::work_off(app).await,
        ] {
            // The pool may still hold connections to a server that has crashed since.
            if let Err(error) = settled {
                say(&format!("once more: {error}"));
            }
        }
        if open(world).await == (0, 0) {
            return;
        }
    }
    panic!("something stays open: {:?}", open(world).await);
}

async fn open(world: &World) -> (usize, usize) {
    let db = world.app.db.read();
    let payments = payment::Entity::find().all(db).await.expect("payments");
    let refunds = refund::Entity::find().all(db).await.expect("refunds");
    (
        payments.iter().filter(|payment| payment.status == PaymentStatus::InProgress).count(),
        refunds.iter().filter(|refund| refund.status == RefundStatus::Pending).count(),
    )
}

/// What staff did, and whose webhook was lost, only a comparison of the books finds. A second one finds nothing, and neither
/// does the check of our own books. Gives how many payments the first one repaired.
async fn compare(world: &World) -> u32 {
    let day = |at: chrono::DateTime<chrono::Utc>| {
        at.with_timezone(&world.app.config.billing.timezone).format("%Y-%m-%d").to_string()
    };
    // The sandbox's time is ahead of the process's by what was waited for.
    let now = world.app.clock.now();
    let (from, to) = (day(now - chrono::Duration::days(1)), day(now));
    let compare = ["reconcile", "--from", &from, "--to", &to, "--json"];
    let mut repaired = Vec::new();
    for arguments in [&compare[..], &compare, &["check", "--json"]] {
        let ended = run(&world.variables, arguments).await;
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {said} {}", complaint(&ended));
        let report: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        repaired.extend(report["repaired"].as_u64());
    }
    assert_eq!(repaired[1], 0, "the second comparison found something");
    u32::try_from(repaired[0]).expect("few")
}

/// Those who were never told ask once more; then nobody may have been charged twice or gone unserved. Gives how many
/// orders ended how.
async fn settle_accounts(world: &World, shop: &Shop<'_>) -> BTreeMap<String, u32> {
    let wishes = shop.wishes.lock().expect("no panic").clone();
    let mut outcome = BTreeMap::new();
    for wish in &wishes {
        let reply = world.confirm(&wish.order, &wish.key).await;
        // Who comes after the payment window has closed is told so, and has not been charged.
        assert!([200, 402, 404, 410].contains(&reply.status), "{wish:?}: {}", reply.text);
        if wish.refund && reply.status == 200 {
            let reply = world.refund(&wish.order, None).await;
            assert!([200, 409].contains(&reply.status), "{wish:?}: {}", reply.text);
        }
    }
    let differed = compare(world).await;
    outcome.insert("found by the comparison".to_owned(), differed);
    for wish in &wishes {
        let path = format!("/v1/payments/{}", wish.order.order_id);
        let payment = world.service().get(&path).await;
        let (charges, held) = world.ledger_of(&wish.order);
        assert!(charges <= 1, "{wish:?} was charged {charges} times");
        if payment.status == 404 {
            assert_eq!(charges, 0, "{wish:?} was charged, and we know nothing");
            *outcome.entry("NEVER_CLAIMED".to_owned()).or_default() += 1;
            continue;
        }
        let body = payment.expect(200);
        assert_eq!(body["balanceAmount"], held, "{wish:?}: {body}");
        assert!(!wish.refund || held == 0, "{wish:?} did not get its money back: {body}");
        *outcome.entry(body["status"].as_str().expect("a status").to_owned()).or_default() += 1;
        if wish.user != "everybody" && wish.order.amount != 5_000 {
            let subscription = world.service().get(&format!("/v1/users/{}/subscription", wish.user)).await;
            let active = subscription.status == 200 && subscription.body["isActive"] == true;
            assert_eq!(active, held > 0, "{wish:?}: {body}, {}", subscription.text);
        }
    }
    assert!(wishes.len() > 5, "a storm in which nobody bought proves nothing");
    outcome
}

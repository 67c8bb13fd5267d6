//! The database's machine is lost while buyers buy, and its synchronous standby takes over.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::settings;
use crate::support::client::{Client, SERVICE_KEY};
use crate::support::postgres::Cluster;
use crate::support::process::{Serving, eventually};
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::{Order, World};

scenarios![a_standby_that_takes_over_has_every_purchase_that_was_acknowledged];

const BUYERS: usize = 4;

/// What buyers do, and what they were told.
#[derive(Default)]
struct Shop {
    paid: Mutex<Vec<String>>,
    /// Answers that were no purchase.
    troubles: AtomicUsize,
    closed: AtomicBool,
}

impl Shop {
    fn sold(&self) -> usize {
        self.paid.lock().expect("no buyer broke").len()
    }

    /// Waits until so many more have bought.
    async fn sells(&self, more: usize) {
        let wanted = self.sold() + more;
        eventually("buyers buy", async || (self.sold() >= wanted).then_some(())).await;
    }

    /// Buys until the shop closes, and does what a front end does where something does not work: the same again.
    async fn buy(&self, world: &World, client: &Client, plan: &str, buyer: usize) {
        let mut number = 0;
        while !self.closed.load(Ordering::Relaxed) {
            number += 1;
            let quote = json!({"planId": plan, "userId": format!("buyer-{buyer}-{number}")});
            let Some(quote) = self.until(client, "/v1/temp-orders", &quote, 201).await else { return };
            let order_id = quote["orderId"].as_str().expect("an id").to_owned();
            let order = Order { order_id, amount: 9_900 };
            let key = world.authenticate(&order);
            let confirmation = order.confirmation(&key);
            if self.until(client, "/v1/payments/confirm", &confirmation, 200).await.is_none() {
                return;
            }
            self.paid.lock().expect("no buyer broke").push(order.order_id);
        }
    }

    /// The answer once it has this status; none when the shop closes first.
    async fn until(
        &self,
        client: &Client,
        path: &str,
        body: &serde_json::Value,
        status: u16,
    ) -> Option<serde_json::Value> {
        while !self.closed.load(Ordering::Relaxed) {
            let reply = client.post(path, body.clone()).await;
            if reply.status == status {
                return Some(reply.body);
            }
            let later = [202, 503].contains(&reply.status) || reply.code() == "REQUEST_IN_PROGRESS";
            assert!(later, "{path}: {}", reply.text);
            self.troubles.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        None
    }
}

/// Makes `way` lead to the socket of `cluster`, in one step.
fn lead(way: &Path, cluster: &Cluster) {
    let fresh = way.with_extension("new");
    symlink(cluster.socket_folder(), &fresh).expect("linked");
    std::fs::rename(fresh, way).expect("turned");
}

async fn a_standby_that_takes_over_has_every_purchase_that_was_acknowledged(world: &World) {
    // SQLite has no standby.
    if world.backend == Backend::Sqlite {
        return;
    }
    let mut primary = Cluster::start();
    let standby = primary.synchronous_standby().await;
    let folder = tempfile::tempdir().expect("a folder");
    // Stands for the address that moves to the new primary.
    let way = folder.path().join("way");
    lead(&way, &primary);
    let url = primary
        .url("postgres")
        .replace(&primary.socket_folder().display().to_string(), &way.display().to_string());
    let own = World::on(Backend::Postgres, &url, folder).await;
    let plan = own.basic().await;
    let quick = [("GUDOK__SCHEDULER__SETTLE_INTERVAL_SECS", "1")];
    let serving = Serving::start(&settings(&own, &quick)).await;
    let client = serving.client(Some(SERVICE_KEY));
    let shop = Shop::default();
    let buyers = join_all((0..BUYERS).map(|buyer| shop.buy(&own, &client, &plan, buyer)));
    let disaster = async {
        shop.sells(3 * BUYERS).await;
        primary.crash();
        eventually("buyers notice", async || (shop.troubles.load(Ordering::Relaxed) > 0).then_some(())).await;
        standby.promote().await;
        lead(&way, &standby);
        shop.sells(3 * BUYERS).await;
        shop.closed.store(true, Ordering::Relaxed);
    };
    tokio::join!(buyers, disaster);
    drop(serving);
    // What was under way when the lights went out.
    own.advance(chrono::Duration::minutes(2));
    own.settle().await;
    let paid = shop.paid.lock().expect("no buyer broke").clone();
    for order_id in &paid {
        let order = Order { order_id: order_id.clone(), amount: 9_900 };
        assert_eq!(own.payment(&order).await["status"], "DONE");
        assert_eq!(own.ledger_of(&order), (1, 9_900));
    }
    assert!(paid.len() >= 6 * BUYERS);
    own.end().await;
    drop((primary, standby));
}

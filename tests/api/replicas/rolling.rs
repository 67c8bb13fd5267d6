//! A new version is rolled out while buyers buy: replica by replica, behind a balancer that asks who is ready.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::settings;
use crate::support::client::{Client, SERVICE_KEY};
use crate::support::process::{Serving, eventually};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![a_rolling_restart_under_load_fails_no_purchase];

const BUYERS: usize = 4;

/// Sends requests to whoever is ready, as a balancer does that asks ten times a second.
#[derive(Default)]
struct Balancer {
    ready: Mutex<Vec<Client>>,
    next: AtomicUsize,
    bought: AtomicUsize,
    /// Replicas of the new version.
    kept: Mutex<Vec<Serving>>,
    closed: AtomicBool,
}

impl Balancer {
    fn add(&self, serving: &Serving) {
        let client = serving.client(Some(SERVICE_KEY));
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push(client);
    }

    fn choose(&self) -> Client {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(!ready.is_empty(), "nobody is ready");
        ready[self.next.fetch_add(1, Ordering::Relaxed) % ready.len()].clone()
    }

    /// Takes those out who are no longer ready, until the shop closes.
    async fn watch(&self) {
        while !self.closed.load(Ordering::Relaxed) {
            let all = self.ready.lock().unwrap_or_else(PoisonError::into_inner).clone();
            for client in all {
                let ready =
                    client.request("GET", "/readyz").send().await.is_ok_and(|answer| answer.status() == 200);
                if !ready {
                    let mut left = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
                    left.retain(|other| other.base() != client.base());
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Buys until the shop closes; every request must work the first time.
    async fn buy(&self, world: &World, plan: &str, buyer: usize) {
        let mut number = 0;
        while !self.closed.load(Ordering::Relaxed) {
            number += 1;
            let body = json!({"planId": plan, "userId": format!("buyer-{buyer}-{number}")});
            let reply = self.choose().post("/v1/temp-orders", body).await;
            let order_id = reply.expect(201)["orderId"].as_str().expect("an id").to_owned();
            let order = crate::support::world::Order { order_id, amount: 9_900 };
            let key = world.authenticate(&order);
            let reply = self.choose().post("/v1/payments/confirm", order.confirmation(&key)).await;
            assert_eq!(reply.expect(200)["payment"]["status"], "DONE");
            self.bought.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until so many more have bought.
    async fn sells(&self, more: usize) {
        let wanted = self.bought.load(Ordering::Relaxed) + more;
        eventually("buyers buy", async || (self.bought.load(Ordering::Relaxed) >= wanted).then_some(()))
            .await;
    }

    /// Replaces every replica, one after another.
    async fn roll(&self, replicas: Vec<Serving>, variables: &HashMap<String, String>) {
        for mut old in replicas {
            self.sells(BUYERS).await;
            let fresh = Serving::start(variables).await;
            eventually("the new one is ready", async || {
                let answer = fresh.client(None).request("GET", "/readyz").send().await.ok()?;
                (answer.status() == 200).then_some(())
            })
            .await;
            self.add(&fresh);
            old.terminate();
            assert_eq!(old.ended().await, Some(0), "{}", old.said());
            self.sells(BUYERS).await;
            // It outlives this turn: the next one must not be the only replica.
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(fresh);
        }
        self.closed.store(true, Ordering::Relaxed);
    }
}

async fn a_rolling_restart_under_load_fails_no_purchase(world: &World) {
    let plan = world.basic().await;
    let variables = settings(world, &[("GUDOK__SERVER__DRAIN_SECS", "2")]);
    let replicas = join_all((0..2).map(|_| Serving::start(&variables))).await;
    let balancer = Balancer::default();
    replicas.iter().for_each(|replica| balancer.add(replica));
    let buyers = join_all((0..BUYERS).map(|buyer| balancer.buy(world, &plan, buyer)));
    tokio::join!(balancer.watch(), buyers, balancer.roll(replicas, &variables));
    assert!(balancer.bought.load(Ordering::Relaxed) >= 4 * BUYERS);
}

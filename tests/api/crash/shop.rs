//! Buyers, refunders and staff who go on whatever breaks: each asks again until it is told how its wish ended.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use toss_sandbox::{Authenticate, Sandbox};

use crate::support::client::SERVICE_KEY;
use crate::support::world::Order;

/// How long a caller waits for an answer before it asks again.
const PATIENCE: Duration = Duration::from_secs(8);

/// What the customers of a shop do, and what they have been told.
pub(crate) struct Shop<'a> {
    pub(crate) base: String,
    pub(crate) toss: &'a Sandbox,
    pub(crate) plans: Vec<String>,
    pub(crate) until: Instant,
    http: reqwest::Client,
    next: AtomicU64,
    pub(crate) wishes: Mutex<Vec<Wish>>,
}

/// A purchase that somebody has begun.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) user: String,
    pub(crate) order: Order,
    pub(crate) key: String,
    /// Whether the money was asked back as well.
    pub(crate) refund: bool,
}

impl<'a> Shop<'a> {
    pub(crate) fn new(base: String, toss: &'a Sandbox, plans: Vec<String>, until: Instant) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).pool_max_idle_per_host(0).build();
        let (http, next) = (http.expect("a client"), AtomicU64::new(0));
        Self { base, toss, plans, until, http, next, wishes: Mutex::default() }
    }

    /// Buys, and asks some of the money back, until the shop closes.
    pub(crate) async fn customer(&self, mut dice: StdRng) {
        while self.is_open() {
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            // Some users are several customers, who meet each other.
            let user = if dice.random_ratio(1, 4) { "everybody".to_owned() } else { format!("u{n}") };
            let plan = &self.plans[dice.random_range(0..self.plans.len())];
            // Who sends a key waits for a dead process's claim of it; the others just quote again.
            let key = dice.random_ratio(1, 4).then(|| format!("order-{n}"));
            let Some(order) = self.order(&user, plan, key.as_deref()).await else { return };
            let buyer = Authenticate::new(order.order_id.clone(), order.amount);
            let key = self.toss.authenticate(buyer).expect("authenticated").payment_key;
            let refund = dice.random_ratio(1, 3);
            let wish = Wish { user, order: order.clone(), key: key.clone(), refund };
            self.wishes.lock().expect("no panic").push(wish);
            let paid = self.ask("/v1/payments/confirm", &order.confirmation(&key), None, 402).await;
            if paid.is_some_and(|status| status == 200) && refund {
                let path = format!("/v1/payments/{}/cancel", order.order_id);
                let body = json!({"cancelReason": "변심"});
                let key = dice.random_bool(0.5).then(|| format!("refund-{}", order.order_id));
                self.ask(&path, &body, key.as_deref(), 409).await;
            } else if dice.random_ratio(1, 8) {
                // Staff give some back at Toss, and nobody asks us.
                let part = dice.random_bool(0.5).then(|| dice.random_range(1..order.amount));
                let _ = self.toss.console_cancel(&key, part, "고객 요청");
            }
        }
    }

    fn is_open(&self) -> bool {
        Instant::now() < self.until
    }

    async fn order(&self, user: &str, plan: &str, key: Option<&str>) -> Option<Order> {
        let body = json!({"planId": plan, "userId": user});
        while self.is_open() {
            if let Some((201, reply)) = self.post("/v1/temp-orders", &body, key).await {
                let order_id = reply["orderId"].as_str().expect("an order id").to_owned();
                return Some(Order { order_id, amount: reply["totalAmount"].as_i64().expect("an amount") });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        None
    }

    /// Asks until it is told a definite yes (200) or no (`no`). Gives up when the shop closes, and goes on to other things
    /// when it has been told often enough that nobody knows yet.
    async fn ask(&self, path: &str, body: &Value, key: Option<&str>, no: u16) -> Option<u16> {
        let mut unknown = 0;
        while self.is_open() && unknown < 5 {
            if let Some((status, reply)) = self.post(path, body, key).await {
                let busy = reply["code"] == "REQUEST_IN_PROGRESS";
                if status == 200 || status == no && !busy {
                    return Some(status);
                }
                assert!(busy || [202, 503].contains(&status), "{path}: {status} {reply}");
                unknown += u32::from(status == 202);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        None
    }

    /// One try; nothing when nobody answers.
    async fn post(&self, path: &str, body: &Value, key: Option<&str>) -> Option<(u16, Value)> {
        let mut request = self.http.post(format!("{}{path}", self.base)).bearer_auth(SERVICE_KEY);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.header("content-type", "application/json").body(body.to_string());
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let text = response.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }
}

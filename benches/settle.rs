//! How long a buyer waits when the answer to a confirmation is lost: from the loss until the books know. Run it with
//! `cargo bench --bench settle`; it prints the median and the worst, and asserts nothing about time.

#![allow(clippy::expect_used, reason = "a benchmark that cannot go on has failed")]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gudok::app::App;
use gudok::clock::Clock;
use gudok::config::Config;
use serde_json::{Value, json};
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, Options, Sandbox};

/// Orders whose answer is lost, several at once as in real trouble.
const ORDERS: usize = 64;
const AT_ONCE: usize = 8;
const KEY: &str = "bench-service-key";

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for (name, kind) in [
        ("answer lost, money taken", FaultKind::DropAfter),
        ("request lost, money not taken", FaultKind::DropBefore),
        ("500 with effect", FaultKind::ErrorAfter),
    ] {
        let mut waits = runtime.block_on(measure(kind));
        waits.sort_unstable();
        let (median, worst) = (waits[waits.len() / 2], waits[waits.len() - 1]);
        say(&format!("{name}: {} orders, median {median:.1?}, worst {worst:.1?}", waits.len()));
    }
}

#[expect(clippy::print_stdout, reason = "the result, for whoever runs it")]
fn say(text: &str) {
    println!("{text}");
}

async fn measure(kind: FaultKind) -> Vec<Duration> {
    let folder = tempfile::tempdir().expect("a folder");
    let toss = Sandbox::start(Options::default()).await.expect("a sandbox");
    let app = app(&toss, &format!("sqlite://{}/bench.db?mode=rwc", folder.path().display())).await;
    let service = gudok::run::start(&app).await.expect("serving");
    let shop = Shop { base: format!("http://{}", service.address()), http: reqwest::Client::new() };
    let plan =
        json!({"code": "BASIC", "name": "BASIC", "type": "BASIC", "price": 9_900, "intervalMonths": 1});
    let plan =
        shop.post("/v1/plans", &plan, "bench-admin-key").await["id"].as_str().expect("an id").to_owned();
    let mut waits = Vec::new();
    for round in 0..ORDERS / AT_ONCE {
        let buyers = (0..AT_ONCE).map(|n| shop.lose(&toss, kind, &plan, format!("u{round}-{n}")));
        waits.extend(join_all(buyers).await);
    }
    app.stopping.cancel();
    service.finished().await.expect("a clean stop");
    waits
}

async fn app(toss: &Sandbox, database: &str) -> App {
    let variables: HashMap<String, String> = [
        ("GUDOK__SERVER__BIND", "127.0.0.1:0"),
        ("GUDOK__DATABASE__URL", database),
        ("GUDOK__TOSS__BASE_URL", &toss.url()),
        ("GUDOK__TOSS__SECRET_KEY", toss.secret_key()),
        ("GUDOK__TOSS__CLIENT_KEY", toss.client_key()),
        ("GUDOK__AUTH__ADMIN_KEY", "bench-admin-key"),
        ("GUDOK__AUTH__SERVICE_KEY", KEY),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let config = Config::from_variables(variables).expect("settings");
    gudok::db::migrate::up(&config.database.url).await.expect("migrated");
    App::build(config, Clock::system()).await.expect("built")
}

struct Shop {
    base: String,
    http: reqwest::Client,
}

impl Shop {
    async fn post(&self, path: &str, body: &Value, key: &str) -> Value {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(key);
        let request = request.header("content-type", "application/json").body(body.to_string());
        let text = request.send().await.expect("an answer").text().await.expect("a body");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Buys, loses the first answer, and waits until the books know.
    async fn lose(&self, toss: &Sandbox, kind: FaultKind, plan: &str, user: String) -> Duration {
        let order = self.post("/v1/temp-orders", &json!({"planId": plan, "userId": user}), KEY).await;
        let order_id = order["orderId"].as_str().expect("an order").to_owned();
        let paid = toss.authenticate(Authenticate::new(order_id.clone(), 9_900)).expect("authenticated");
        toss.inject(Fault::new(Operation::Confirm, kind).for_order(order_id.clone()));
        let confirm = json!({"paymentKey": paid.payment_key, "orderId": order_id, "amount": 9_900});
        self.post("/v1/payments/confirm", &confirm, KEY).await;
        let lost = Instant::now();
        loop {
            let request = self.http.get(format!("{}/v1/payments/{order_id}", self.base)).bearer_auth(KEY);
            let text = request.send().await.expect("an answer").text().await.expect("a body");
            let payment: Value = serde_json::from_str(&text).expect("JSON");
            if payment["status"] == "DONE" {
                return lost.elapsed();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

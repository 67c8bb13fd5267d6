//! A world of its own for each scenario: a database, a Toss, a service, and a clock that all three share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use gudok::app::App;
use gudok::clock::Clock;
use gudok::config::Config;
use gudok::run::Service;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Mutex;
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, Options, Sandbox};

use super::books;
use super::browser::Browsers;
use super::client::{ADMIN_KEY, Client, JWT_SECRET, Reply, SERVICE_KEY, user_token};
use super::leaks;
use super::postgres::Cluster;
use super::scenario::Backend;

/// What a scenario acts in.
pub(crate) struct World {
    /// The database in use.
    pub(crate) backend: Backend,
    /// Toss.
    pub(crate) toss: Sandbox,
    /// The service's parts, for jobs and for looking at the books.
    pub(crate) app: App,
    /// Where the service listens.
    pub(crate) base: String,
    /// The settings that it was started with, as variables.
    pub(crate) variables: HashMap<String, String>,
    /// The browsers that are open.
    pub(super) browsers: Mutex<Browsers>,
    service: Mutex<Option<Service>>,
    forged: AtomicBool,
    _folder: TempDir,
}

impl World {
    /// A fresh world: migrated, serving, no plans, no scheduler.
    pub(crate) async fn new(backend: Backend) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = match backend {
            Backend::Sqlite => format!("sqlite://{}/gudok.db?mode=rwc", folder.path().display()),
            Backend::Postgres => Cluster::shared_database().await,
        };
        Self::on(backend, &url, folder).await
    }

    /// A fresh world on the empty database at `url`; `folder` is kept for as long as it lasts.
    pub(crate) async fn on(backend: Backend, url: &str, folder: TempDir) -> Self {
        let shift = Arc::new(AtomicI64::new(0));
        let clock = toss_sandbox::Clock::with_offset(Arc::clone(&shift));
        let options = Options { clock, consecutive_cancel_limit: false, ..Options::default() };
        let toss = Sandbox::start(options).await.expect("the sandbox starts");
        let variables = variables(url, &toss);
        leaks::settings(&variables);
        let config = Config::from_variables(variables.clone()).expect("valid settings");
        gudok::db::migrate::up(&config.database.url).await.expect("migrated");
        let app = App::build(config, Clock::shifted_by(shift)).await.expect("built");
        let service = gudok::run::start(&app).await.expect("serving");
        let base = format!("http://{}", service.address());
        let (service, forged) = (Mutex::new(Some(service)), AtomicBool::new(false));
        let browsers = Mutex::default();
        Self { backend, toss, app, base, variables, browsers, service, forged, _folder: folder }
    }

    /// A second service on the same database and Toss, with its own connections; stopped with the first.
    pub(crate) async fn second_service(&self) -> (App, Client) {
        self.second_service_with(&[]).await
    }

    /// A second service like [`World::second_service`], with these variables instead of the world's own.
    pub(crate) async fn second_service_with(&self, changed: &[(&str, &str)]) -> (App, Client) {
        let mut variables = self.variables.clone();
        variables.extend(changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        leaks::settings(&variables);
        let config = Config::from_variables(variables).expect("valid settings");
        let app = App::build(config, self.app.clock.clone()).await.expect("built");
        let service = gudok::run::start(&app).await.expect("serving");
        let client = Client::new(&format!("http://{}", service.address()), Some(ADMIN_KEY.to_owned()));
        tokio::spawn(service.finished());
        (app, client)
    }

    /// Settings like this world's with a database that nobody has migrated; the folder holds it and must be kept.
    pub(crate) async fn empty_database(&self) -> (HashMap<String, String>, TempDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = match self.backend {
            Backend::Sqlite => format!("sqlite://{}/gudok.db?mode=rwc", folder.path().display()),
            Backend::Postgres => Cluster::shared_database().await,
        };
        let mut variables = self.variables.clone();
        variables.insert("GUDOK__DATABASE__URL".to_owned(), url);
        (variables, folder)
    }

    /// An operator.
    pub(crate) fn admin(&self) -> Client {
        Client::new(&self.base, Some(ADMIN_KEY.to_owned()))
    }

    /// The SaaS's own server.
    pub(crate) fn service(&self) -> Client {
        Client::new(&self.base, Some(SERVICE_KEY.to_owned()))
    }

    /// A user's browser.
    pub(crate) fn user(&self, id: &str) -> Client {
        Client::new(&self.base, Some(user_token(id, &self.app.clock)))
    }

    /// Somebody without credentials.
    pub(crate) fn stranger(&self) -> Client {
        Client::new(&self.base, None)
    }

    /// Makes a plan and gives its id. No months for an event.
    pub(crate) async fn plan(&self, code: &str, kind: &str, price: i64, months: Option<u32>) -> String {
        let mut body = json!({"code": code, "name": format!("{code} 요금제"), "type": kind, "price": price});
        if let Some(months) = months {
            body["intervalMonths"] = months.into();
        }
        let reply = self.admin().post("/v1/plans", body).await;
        reply.expect(201)["id"].as_str().expect("an id").to_owned()
    }

    /// A monthly BASIC plan of 9,900 won.
    pub(crate) async fn basic(&self) -> String {
        self.plan("BASIC", "BASIC", 9_900, Some(1)).await
    }

    /// A monthly PREMIUM plan of 19,900 won.
    pub(crate) async fn premium(&self) -> String {
        self.plan("PREMIUM", "PREMIUM", 19_900, Some(1)).await
    }

    /// An EVENT plan of 5,000 won.
    pub(crate) async fn event(&self) -> String {
        self.plan("EVENT", "EVENT", 5_000, None).await
    }

    /// Quotes an order for `user`.
    pub(crate) async fn order(&self, user: &str, plan_id: &str) -> Order {
        self.order_by(&self.service(), user, plan_id).await
    }

    /// The same of the service that `client` talks to.
    pub(crate) async fn order_by(&self, client: &Client, user: &str, plan_id: &str) -> Order {
        let reply = client.post("/v1/temp-orders", json!({"planId": plan_id, "userId": user})).await;
        let body = reply.expect(201);
        Order {
            order_id: body["orderId"].as_str().expect("an order id").to_owned(),
            amount: body["totalAmount"].as_i64().expect("an amount"),
        }
    }

    /// The buyer authenticates in Toss's window with a card that works; gives the payment key.
    pub(crate) fn authenticate(&self, order: &Order) -> String {
        self.authenticate_with(Authenticate::new(order.order_id.clone(), order.amount))
    }

    /// The buyer authenticates in Toss's window as told; gives the payment key.
    pub(crate) fn authenticate_with(&self, buyer: Authenticate) -> String {
        self.toss.authenticate(buyer).expect("authenticated").payment_key
    }

    /// Confirms as the SaaS's server would on the success URL.
    pub(crate) async fn confirm(&self, order: &Order, payment_key: &str) -> Reply {
        self.service().post("/v1/payments/confirm", order.confirmation(payment_key)).await
    }

    /// Quotes, authenticates and confirms; the payment must be approved.
    pub(crate) async fn buy(&self, user: &str, plan_id: &str) -> Order {
        let order = self.order(user, plan_id).await;
        let payment_key = self.authenticate(&order);
        let reply = self.confirm(&order, &payment_key).await;
        assert_eq!(reply.expect(200)["payment"]["status"], "DONE");
        order
    }

    /// Asks for money back; all that is left without an amount.
    pub(crate) async fn refund(&self, order: &Order, amount: Option<i64>) -> Reply {
        let mut body = json!({"cancelReason": "변심"});
        if let Some(amount) = amount {
            body["cancelAmount"] = amount.into();
        }
        self.service().post(&format!("/v1/payments/{}/cancel", order.order_id), body).await
    }

    /// The payment of an order, as the API shows it.
    pub(crate) async fn payment(&self, order: &Order) -> Value {
        self.service().get(&format!("/v1/payments/{}", order.order_id)).await.expect(200).clone()
    }

    /// A user's subscription, as the API shows it.
    pub(crate) async fn subscription(&self, user: &str) -> Value {
        self.service().get(&format!("/v1/users/{user}/subscription")).await.expect(200).clone()
    }

    /// The event total, as the API shows it.
    pub(crate) async fn event_total(&self) -> i64 {
        self.admin().get("/v1/event-amounts").await.expect(200)["total"].as_i64().expect("a total")
    }

    /// Runs a job by hand; it must do its work. Gives how many rows it changed.
    pub(crate) async fn run_job(&self, name: &str) -> i64 {
        let reply = self.admin().post(&format!("/v1/jobs/{name}/run"), json!({})).await;
        if reply.expect(200)["status"] != "DONE" {
            let runs = entity::job_run::Entity::find().all(self.app.db.read()).await.expect("runs");
            let errors: Vec<_> = runs.into_iter().filter_map(|run| run.error).collect();
            panic!("{name}: {} {errors:?}", reply.text);
        }
        reply.body["affected"].as_i64().expect("a number")
    }

    /// Moves the time of Toss and of the service.
    pub(crate) fn advance(&self, by: chrono::Duration) {
        self.toss.clock().advance(by);
    }

    /// Moves the time of Toss and of the service to an instant that lies ahead.
    pub(crate) fn advance_to(&self, at: DateTime<Utc>) {
        let ahead = at - self.app.clock.now();
        assert!(ahead > chrono::Duration::zero(), "time only moves forward");
        self.advance(ahead);
    }

    /// Lets so much time pass that what was just left open is due, and asks Toss. Gives how much was decided.
    pub(crate) async fn settle(&self) -> i64 {
        self.advance(chrono::Duration::seconds(5));
        self.run_job("settle-payments").await
    }

    /// Lets Toss tell the service what happens from now on.
    pub(crate) fn listen_to_webhooks(&self) {
        self.toss.set_webhook_url(Some(format!("{}/v1/webhooks/toss", self.base))).expect("a URL");
    }

    /// Waits until Toss has told all, and works it off. Gives how many webhooks are over.
    pub(crate) async fn work_webhooks_off(&self) -> i64 {
        self.toss.webhooks_idle().await;
        self.run_job("process-webhooks").await
    }

    /// Reads the payment until it stands like this: for work that goes on by itself.
    pub(crate) async fn await_status(&self, order: &Order, status: &str) {
        for _ in 0..1_000 {
            if self.payment(order).await["status"] == status {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the payment never became {status}: {}", self.payment(order).await);
    }

    /// How many calls of this kind Toss received.
    pub(crate) fn calls_received(&self, operation: toss_sandbox::Operation) -> usize {
        self.toss.received().iter().filter(|call| call.operation == operation).count()
    }

    /// Toss takes the money of the next confirmation, says that it did not, and gives no answer to the look-up behind it.
    pub(crate) fn toss_denies_an_approval(&self) {
        let no =
            Fault::new(Operation::Confirm, FaultKind::ErrorAfter).code("REJECT_CARD_PAYMENT").status(403);
        self.toss.inject(no);
        self.toss.inject(Fault::new(Operation::Get, FaultKind::DropBefore));
    }

    /// How often Toss was asked to confirm this order.
    pub(crate) fn confirms_received(&self, order: &Order) -> usize {
        let about = |call: &&toss_sandbox::Received| {
            call.operation == toss_sandbox::Operation::Confirm
                && format!("{call:?}").contains(&order.order_id)
        };
        self.toss.received().iter().filter(about).count()
    }

    /// How often Toss took money for this order, and how much of it is left.
    pub(crate) fn ledger_of(&self, order: &Order) -> (usize, i64) {
        books::ledger_of(&self.toss, &order.order_id)
    }

    /// The books are forged on purpose: they need not balance in the end.
    pub(crate) fn forge(&self) {
        self.forged.store(true, Ordering::Relaxed);
    }

    /// Ends the browsers, whose consoles must be clean, and stops the service; the books must balance, and no secret may
    /// have been told.
    pub(crate) async fn end(&self) {
        self.end_browsers().await;
        if !self.forged.load(Ordering::Relaxed) {
            books::check(self).await;
        }
        self.stop().await;
        leaks::none();
    }

    /// Stops the service, whatever the books say.
    pub(crate) async fn stop(&self) {
        self.app.stopping.cancel();
        if let Some(service) = self.service.lock().await.take() {
            service.finished().await.expect("a clean stop");
        }
    }
}

/// An instant out of an answer.
pub(crate) fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no instant: {value}"))
}

/// A quoted order, as a front end keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// Its id.
    pub(crate) order_id: String,
    /// Its price, in won.
    pub(crate) amount: i64,
}

impl Order {
    /// What the success URL brings.
    pub(crate) fn confirmation(&self, payment_key: &str) -> Value {
        json!({"paymentKey": payment_key, "orderId": self.order_id, "amount": self.amount})
    }
}

fn variables(database: &str, toss: &Sandbox) -> HashMap<String, String> {
    [
        ("GUDOK__SERVER__BIND", "127.0.0.1:0"),
        ("GUDOK__DATABASE__URL", database),
        ("GUDOK__DATABASE__MAX_CONNECTIONS", "6"),
        ("GUDOK__TOSS__BASE_URL", &toss.url()),
        ("GUDOK__TOSS__SECRET_KEY", toss.secret_key()),
        ("GUDOK__TOSS__CLIENT_KEY", toss.client_key()),
        ("GUDOK__TOSS__SDK_URL", &format!("{}/v2/standard", toss.url())),
        // The sandbox's own page stands in for a shop that buyers come back to.
        ("GUDOK__CHECKOUT__RETURN_ORIGINS", &format!("https://saas.test, {}", toss.url())),
        ("GUDOK__CHECKOUT__SHOP_NAME", "시험 상점"),
        ("GUDOK__AUTH__ADMIN_KEY", ADMIN_KEY),
        ("GUDOK__AUTH__SERVICE_KEY", SERVICE_KEY),
        ("GUDOK__AUTH__JWT_HS256_SECRET", JWT_SECRET),
        ("GUDOK__SCHEDULER__ENABLED", "false"),
        // Scenarios about credentials refuse more of them than an honest world does.
        ("GUDOK__RATES__ADDRESS__FAILURES__PER_MINUTE", "0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

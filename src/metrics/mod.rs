//! What Prometheus is shown. Counts belong to one `App`, so that two in one process do not mix; what stands in the books
//! is read when it is asked for.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::db::Database;
use crate::jobs::Job;
use crate::toss;

mod books;
mod http;
mod scrape;

pub use http::{Connected, Http, Underway};
pub use scrape::{CONTENT_TYPE, scrape};

/// What every name begins with.
const PREFIX: &str = "gudok";

/// What one `App` has counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Requests to us.
    pub http: Http,
    /// Confirmations that were answered.
    pub confirmations: Tally,
    /// Refunds that were answered.
    pub refunds: Tally,
    /// Webhooks that came in.
    pub webhooks: Tally,
    job_runs: Family<RunEnded, Counter>,
}

/// How often something ended, by how.
#[derive(Clone, Debug, Default)]
pub struct Tally(Family<Ended, Counter>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    result: &'static str,
}

/// The label is not called `job`, which is Prometheus's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunEnded {
    name: &'static str,
    status: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

impl Tally {
    /// Shown as zero from the start, so that the first one is seen as a change.
    fn of(results: &[&'static str]) -> Self {
        let tally = Self::default();
        for result in results {
            drop(tally.0.get_or_create(&Ended { result }));
        }
        tally
    }

    /// One more ended with this result: a word out of a small set.
    pub fn count(&self, result: &'static str) {
        self.0.get_or_create(&Ended { result }).inc();
    }
}

impl Metrics {
    /// Nothing counted yet; what `db` and `toss` count is shown along.
    pub fn new(db: &Database, toss: &toss::Client) -> Self {
        let metrics = Self {
            registry: Registry::with_prefix(PREFIX),
            http: Http::default(),
            confirmations: Tally::of(&["approved", "issued", "declined", "unknown", "refused", "failed"]),
            refunds: Tally::of(&["done", "declined", "unknown", "refused", "failed"]),
            webhooks: Tally::of(&["stored", "repeated", "refused", "failed"]),
            job_runs: Family::default(),
        };
        for job in Job::ALL {
            for status in ["done", "failed"] {
                drop(metrics.job_runs.get_or_create(&RunEnded { name: job.name(), status }));
            }
        }
        metrics.registered(db, toss)
    }

    /// A run of `job` by this process ended well or badly.
    pub fn ran(&self, job: Job, well: bool) {
        let status = if well { "done" } else { "failed" };
        self.job_runs.get_or_create(&RunEnded { name: job.name(), status }).inc();
    }

    fn registered(mut self, db: &Database, toss: &toss::Client) -> Self {
        let registry = &mut self.registry;
        let build = Info::new(Build { version: env!("CARGO_PKG_VERSION") });
        registry.register("build", "The version that runs", build);
        registry.register(
            "confirmations",
            "Confirmations that were answered: approved, issued (an account that waits for its deposit), declined by \
             Toss, unknown (202, settle finds it out), refused by our rules, failed (the database)",
            self.confirmations.0.clone(),
        );
        registry.register(
            "refunds",
            "Refunds that were answered: done, declined by Toss, unknown (202, settle finds it out), refused by our \
             rules, failed (the database)",
            self.refunds.0.clone(),
        );
        registry.register(
            "webhooks_received",
            "Webhooks of Toss's: stored, repeated, refused (no JSON, too many, a foreign address), failed (the database)",
            self.webhooks.0.clone(),
        );
        let help = "Runs of jobs that this process has ended";
        registry.register("job_runs", help, self.job_runs.clone());
        let help = "Transactions that were run again because they lost to another";
        registry.register("database_transaction_retries", help, db.retries().clone());
        let help = "Transactions that wait for their turn, since as many as may write at once do; 503 after 5 seconds";
        registry.register("database_writers_waiting", help, db.waiting().clone());
        let help = "Statements that the database ran for this process";
        registry.register("database_statements", help, db.statements().clone());
        toss.calls().register(registry);
        self.http.register(registry);
        self
    }
}

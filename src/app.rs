//! What every operation receives: settings, books, Toss, clock, and the count of work that must not be cut off.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api_keys;
use crate::auth::{Jwks, Signer};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Database;
use crate::event_amounts;
use crate::exports;
use crate::figures;
use crate::metrics::Metrics;
use crate::subscriptions;
use crate::toss;
use crate::webhooks::Limit;

/// The running service; cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// The parts of [`App`].
#[derive(Debug)]
pub struct Parts {
    /// The settings.
    pub config: Config,
    /// The books.
    pub db: Database,
    /// The payment gateway.
    pub toss: toss::Client,
    /// The time.
    pub clock: Clock,
    /// Work on money that goes on when its caller hangs up.
    pub tasks: TaskTracker,
    /// What this process has counted.
    pub metrics: Metrics,
    /// Cancelled when the process is asked to stop: it is not ready for more, takes on no jobs, and still answers.
    pub draining: CancellationToken,
    /// Cancelled when it stops, `server.drain_secs` later.
    pub stopping: CancellationToken,
    /// How many webhooks are taken.
    pub webhook_limit: Limit,
    /// What links and sessions are signed with.
    pub signer: Signer,
    /// What is remembered of API keys.
    pub api_keys: api_keys::Lookup,
    /// The public keys of users' JWTs, where the settings say where they are.
    pub jwks: Option<Jwks>,
    /// Where the server listens, once it does.
    pub bound: OnceLock<SocketAddr>,
    /// Unknown outcomes that may be followed up at once, beside the job that does it anyway.
    pub follow_ups: Arc<Semaphore>,
    /// Who may read the dashboard's figures, and those that were read last.
    pub figures: figures::Shared,
    /// Exports that may be sent at once.
    pub exports: Arc<Semaphore>,
    /// Entitlement checks that wait together.
    pub entitlements: subscriptions::Together,
    /// The event total, for those who wait for it together.
    pub event_total: event_amounts::SharedTotal,
}

/// Unknown outcomes that are followed up at once.
const FOLLOW_UPS: usize = 64;

impl App {
    /// Connects to the books and prepares the way to Toss.
    ///
    /// # Errors
    /// When the database or the Toss settings do not allow it.
    pub async fn build(config: Config, clock: Clock) -> Result<Self, BuildError> {
        let db = Database::connect(&config.database.url, config.database.max_connections).await?;
        let toss = toss::Client::new(&config.toss, clock.clone())?;
        let metrics = Metrics::new(&db, &toss);
        let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
        // Whoever stops drains as well.
        let draining = stopping.child_token();
        let webhook_limit = Limit::new(config.toss.webhooks_per_minute);
        let (signer, bound) = (Signer::new(&config), OnceLock::new());
        let jwks = Jwks::new(&config.auth).map_err(BuildError::Jwks)?;
        let follow_ups = Arc::new(Semaphore::new(FOLLOW_UPS));
        Ok(Self(Arc::new(Parts {
            config,
            db,
            toss,
            clock,
            tasks,
            metrics,
            draining,
            stopping,
            webhook_limit,
            signer,
            api_keys: api_keys::Lookup::default(),
            jwks,
            bound,
            follow_ups,
            figures: figures::Shared::default(),
            exports: Arc::new(Semaphore::new(exports::MOST_AT_ONCE)),
            entitlements: subscriptions::Together::default(),
            event_total: event_amounts::SharedTotal::default(),
        })))
    }
}

impl Parts {
    /// Where browsers reach the service, without a slash at the end.
    pub fn public_url(&self) -> String {
        match &self.config.server.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => {
                let scheme = if self.config.server.has_tls() { "https" } else { "http" };
                format!("{scheme}://{}", self.bound.get().copied().unwrap_or(self.config.server.bind))
            }
        }
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Why the service cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The database cannot be reached.
    #[error("database: {0}")]
    Database(#[from] sea_orm::DbErr),
    /// The Toss settings make no client.
    #[error("toss: {0}")]
    Toss(#[from] toss::ClientError),
    /// No HTTP client can be made for the public keys of JWTs.
    #[error("auth.jwks_url: {0}")]
    Jwks(reqwest::Error),
}

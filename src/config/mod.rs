//! What operators can set, read once at start from files and variables, strictly.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

mod addresses;
mod files;
mod load;
mod origins;
mod rates;
mod secrets;
mod validate;

pub use addresses::Addresses;
pub use load::ConfigError;
pub use origins::Origins;
pub use rates::{AddressRates, Rate, Rates, RatesOf};
pub use secrets::Secrets;
pub use validate::{TossKeyFamily, TossKeyKind};

/// All settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The HTTP server.
    pub server: Server,
    /// How often callers may call.
    pub rates: Rates,
    /// Where the books are kept.
    pub database: Database,
    /// The payment gateway.
    pub toss: Toss,
    /// The rules of billing.
    pub billing: Billing,
    /// The hosted checkout.
    pub checkout: Checkout,
    /// The pages for operators.
    pub dashboard: Dashboard,
    /// Who may call.
    #[serde(default)]
    pub auth: Auth,
    /// The jobs.
    pub scheduler: Scheduler,
}

/// The HTTP server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where to listen.
    pub bind: SocketAddr,
    /// Within how many milliseconds a caller is answered.
    pub answer_within_ms: u64,
    /// For how many seconds a process that is asked to stop still answers, while `/readyz` says that it is not ready.
    pub drain_secs: u64,
    /// Requests under way at once; beyond that callers are told to come back.
    pub max_in_flight: usize,
    /// Where browsers reach the service; the bound address when unset.
    pub public_url: Option<Url>,
    /// Proxies whose `X-Forwarded-For` is believed.
    #[serde(default)]
    pub trusted_proxies: Addresses,
    /// Connections that are open at once, as far as the system allows so many.
    pub max_connections: usize,
    /// The same from one address that is no trusted proxy's; 0 for no bound.
    pub max_connections_per_address: usize,
    /// The certificate and its chain, as a PEM file; without one TLS is not ours to do.
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's key, as a PEM file.
    pub tls_key: Option<PathBuf>,
    /// Sites whose pages may call the API from a browser.
    #[serde(default)]
    pub cors_origins: Origins,
}

/// Where the books are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite:` or `postgres:`; it may hold a password, so it is never shown.
    pub url: SecretString,
    /// Connections of this process; by cores when unset.
    pub max_connections: Option<u32>,
}

/// The payment gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toss {
    /// Where Toss answers, without a path.
    pub base_url: Url,
    /// The key that moves money, and the one that it takes the place of while Toss still knows both.
    pub secret_key: Option<Secrets>,
    /// The key that a browser shows.
    pub client_key: Option<String>,
    /// The script that gives a page the payment widget.
    pub sdk_url: Url,
    /// Milliseconds to connect.
    pub connect_timeout_ms: u64,
    /// Milliseconds for a whole request.
    pub request_timeout_ms: u64,
    /// Purchases and refunds that may wait on Toss at once.
    pub max_in_flight: usize,
    /// Where webhooks may come from; from anywhere when empty.
    #[serde(default)]
    pub webhook_addresses: Addresses,
    /// Webhooks that one process takes in a minute.
    pub webhooks_per_minute: u32,
}

/// The rules of billing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Billing {
    /// Where months and midnights are counted.
    pub timezone: Tz,
    /// Days after the approval in which money is given back.
    pub refund_window_days: u32,
    /// Minutes that a quoted order can be paid.
    pub temp_order_ttl_minutes: u32,
    /// Seconds for which a caller may use what it was told of a subscription without asking again.
    pub entitlement_max_age_secs: u32,
}

/// The hosted checkout.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkout {
    /// What buyers know the shop by.
    pub shop_name: Option<String>,
    /// The shop's terms.
    pub terms_url: Option<Url>,
    /// Where buyers get help.
    pub support_url: Option<Url>,
    /// Hours that the link to an order's page is good.
    pub link_ttl_hours: u32,
    /// Where a buyer may be sent back to.
    pub return_origins: Origins,
    /// Sources for the page's `Content-Security-Policy`, divided by spaces.
    pub toss_sources: String,
    /// Whether Toss's script may add style sheets of its own.
    pub allow_inline_styles: bool,
}

/// The pages for operators.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    /// Hours that a sign-in lasts.
    pub session_hours: u32,
}

/// Who may call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// The API key that may do everything.
    pub admin_key: Option<SecretString>,
    /// The API key of the SaaS's own servers.
    pub service_key: Option<SecretString>,
    /// The secret under which the SaaS signs its users' JWTs.
    pub jwt_hs256_secret: Option<SecretString>,
    /// What checkout links and sessions are signed with, and what they were signed with before; derived from Toss's secret
    /// keys when unset.
    pub signing_secret: Option<Secrets>,
    /// Where public keys of JWTs are published: https, or http on this machine.
    pub jwks_url: Option<Url>,
    /// The `iss` that a JWT must name.
    pub issuer: Option<String>,
    /// The `aud` that a JWT must name.
    pub audience: Option<String>,
}

/// The jobs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduler {
    /// Whether this process runs jobs by itself.
    pub enabled: bool,
    /// Seconds between two rounds of asking about unknown outcomes.
    pub settle_interval_secs: u32,
}

impl Server {
    /// Whether TLS is ours to do.
    pub fn has_tls(&self) -> bool {
        self.tls_certificate.is_some()
    }

    /// Whether browsers reach the service by HTTPS, by ours or by that of whoever stands in front.
    pub fn is_https(&self) -> bool {
        self.has_tls() || self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// Within which time a caller is answered.
    pub fn answer_within(&self) -> Duration {
        Duration::from_millis(self.answer_within_ms)
    }

    /// How long a process that is asked to stop still takes requests.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_secs)
    }
}

impl Toss {
    /// The longest time that a request can be under way.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}

impl Checkout {
    /// How long the link to an order's page is good.
    pub fn link_ttl(&self) -> chrono::Duration {
        chrono::Duration::hours(i64::from(self.link_ttl_hours))
    }
}

impl Dashboard {
    /// How long a sign-in lasts.
    pub fn session_ttl(&self) -> chrono::Duration {
        chrono::Duration::hours(i64::from(self.session_hours))
    }
}

impl Billing {
    /// For how many seconds from `now` an answer may be used that time alone changes at `changes_at`.
    pub fn entitlement_max_age(&self, changes_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> u64 {
        let most = i64::from(self.entitlement_max_age_secs);
        let left = changes_at.map_or(most, |at| (at - now).num_seconds());
        u64::try_from(left.clamp(0, most)).unwrap_or_default()
    }

    /// How long a quoted order can be paid.
    pub fn temp_order_ttl(&self) -> chrono::Duration {
        chrono::Duration::minutes(i64::from(self.temp_order_ttl_minutes))
    }

    /// How long after its approval a payment is given back.
    pub fn refund_window(&self) -> chrono::Duration {
        chrono::Duration::days(i64::from(self.refund_window_days))
    }
}

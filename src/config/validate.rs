//! Rules between settings that types alone cannot say.

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::{Config, ConfigError, Secrets};

/// Secret keys that Toss knows at once: a new one and, for seven days, the one before.
const MOST_TOSS_KEYS: usize = 2;

/// Which kind of Toss key is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TossKeyKind {
    /// It moves no money.
    Test,
    /// It moves money.
    Live,
    /// Its prefix is none that Toss documents.
    Unknown,
}

/// What a pair of Toss keys opens in a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TossKeyFamily {
    /// The payment widget (`gck`, `gsk`).
    Widget,
    /// The payment window (`ck`, `sk`).
    Api,
}

impl TossKeyFamily {
    /// Reads the family off a client key; the payment window where the prefix says nothing.
    pub fn of(client_key: &str) -> Self {
        if client_key.split('_').nth(1) == Some("gck") { Self::Widget } else { Self::Api }
    }
}

impl TossKeyKind {
    /// Reads the kind off a key's prefix.
    pub fn of(key: &str) -> Self {
        match key.split_once('_') {
            Some(("test", _)) => Self::Test,
            Some(("live", _)) => Self::Live,
            _ => Self::Unknown,
        }
    }
}

impl Config {
    /// Checks what no single type can.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the first key that is wrong.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let rules = [
            self.database_is_known(),
            positive("server.answer_within_ms", self.server.answer_within_ms),
            positive("toss.connect_timeout_ms", self.toss.connect_timeout_ms),
            positive("toss.request_timeout_ms", self.toss.request_timeout_ms),
            positive("billing.temp_order_ttl_minutes", self.billing.temp_order_ttl_minutes.into()),
            between("server.max_in_flight", self.server.max_in_flight, 1, 100_000),
            between("server.max_connections", self.server.max_connections, 1, 1_000_000),
            self.tls_is_whole(),
            self.rates.validate(),
            between("toss.max_in_flight", self.toss.max_in_flight, 1, 10_000),
            positive("toss.webhooks_per_minute", self.toss.webhooks_per_minute.into()),
            positive("scheduler.settle_interval_secs", self.scheduler.settle_interval_secs.into()),
            at_most("server.answer_within_ms", self.server.answer_within_ms, 600_000),
            at_most("server.drain_secs", self.server.drain_secs, 300),
            at_most("toss.request_timeout_ms", self.toss.request_timeout_ms, 600_000),
            at_most("billing.refund_window_days", self.billing.refund_window_days.into(), 3_650),
            at_most("billing.entitlement_max_age_secs", self.billing.entitlement_max_age_secs.into(), 3_600),
            at_most("billing.temp_order_ttl_minutes", self.billing.temp_order_ttl_minutes.into(), 43_200),
            at_most("scheduler.settle_interval_secs", self.scheduler.settle_interval_secs.into(), 3_600),
            between_u32("checkout.link_ttl_hours", self.checkout.link_ttl_hours, 1, 8_760),
            between_u32("dashboard.session_hours", self.dashboard.session_hours, 1, 168),
            self.public_url_is_an_address(),
            self.sdk_is_reachable_by_browsers(),
            self.links_of_pages_are_for_browsers(),
            self.sources_are_plain(),
            self.signing_secret_is_long(),
            self.pool_is_sane(),
            self.keys_are_not_empty(),
            self.toss_keys_belong_together(),
            self.live_key_is_not_sent_in_clear(),
            self.jwks_cannot_be_forged_on_the_way(),
        ];
        rules.into_iter().collect()
    }

    /// The kind of the secret key, once there is one.
    pub fn toss_key_kind(&self) -> Option<TossKeyKind> {
        self.toss.secret_key.as_ref().map(|keys| TossKeyKind::of(keys.newest().expose_secret()))
    }

    fn database_is_known(&self) -> Result<(), ConfigError> {
        let url = self.database.url.expose_secret();
        let known = ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme));
        check(known, "database.url", "must begin with `sqlite:` or `postgres:`")
    }

    fn public_url_is_an_address(&self) -> Result<(), ConfigError> {
        let bare =
            |url: &Url| is_web(url) && url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let sane = self.server.public_url.as_ref().is_none_or(bare);
        check(sane, "server.public_url", "must be an http or https address without a path")
    }

    fn tls_is_whole(&self) -> Result<(), ConfigError> {
        let server = &self.server;
        let whole = server.tls_certificate.is_some() == server.tls_key.is_some();
        check(whole, "server.tls_key", "must be set where server.tls_certificate is, and only there")
    }

    fn sdk_is_reachable_by_browsers(&self) -> Result<(), ConfigError> {
        check(is_web(&self.toss.sdk_url), "toss.sdk_url", "must be an http or https address")?;
        let live = self.toss_key_kind() == Some(TossKeyKind::Live);
        let clear = self.toss.sdk_url.scheme() != "https";
        check(!(live && clear), "toss.sdk_url", "must be https where a live key is used")
    }

    fn links_of_pages_are_for_browsers(&self) -> Result<(), ConfigError> {
        for (name, url) in [
            ("checkout.terms_url", &self.checkout.terms_url),
            ("checkout.support_url", &self.checkout.support_url),
        ] {
            check(url.as_ref().is_none_or(is_web), name, "must be an http or https address")?;
        }
        Ok(())
    }

    /// What goes into a header must not be able to end it or open another directive.
    fn sources_are_plain(&self) -> Result<(), ConfigError> {
        let plain = |source: &str| {
            source.starts_with("https://")
                && source.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/.-*_".contains(&byte))
        };
        let sane = self.checkout.toss_sources.split_ascii_whitespace().all(plain);
        check(sane, "checkout.toss_sources", "must be https sources divided by spaces")
    }

    fn signing_secret_is_long(&self) -> Result<(), ConfigError> {
        let long = |secret: &SecretString| secret.expose_secret().len() >= 32;
        let sane = self.auth.signing_secret.as_ref().is_none_or(|secrets| secrets.iter().all(long));
        check(sane, "auth.signing_secret", "must have at least 32 characters, each if there are several")
    }

    fn pool_is_sane(&self) -> Result<(), ConfigError> {
        let sane = self.database.max_connections.is_none_or(|most| (1..=1_000).contains(&most));
        check(sane, "database.max_connections", "must be between 1 and 1000")
    }

    fn keys_are_not_empty(&self) -> Result<(), ConfigError> {
        let auth = &self.auth;
        for (name, key) in [
            ("auth.admin_key", &auth.admin_key),
            ("auth.service_key", &auth.service_key),
            ("auth.jwt_hs256_secret", &auth.jwt_hs256_secret),
        ] {
            let empty = key.as_ref().is_some_and(|key| key.expose_secret().trim().is_empty());
            check(!empty, name, "must not be empty; leave it unset instead")?;
        }
        let mut toss = self.toss.secret_key.iter().flat_map(Secrets::iter);
        let empty = toss.any(|key| key.expose_secret().is_empty());
        check(
            !empty,
            "toss.secret_key",
            "must not be empty, nor any part between commas; leave it unset instead",
        )?;
        let same = match (&auth.admin_key, &auth.service_key) {
            (Some(admin), Some(service)) => admin.expose_secret() == service.expose_secret(),
            _ => false,
        };
        check(!same, "auth.service_key", "must differ from auth.admin_key")
    }

    fn toss_keys_belong_together(&self) -> Result<(), ConfigError> {
        let Some(keys) = &self.toss.secret_key else { return Ok(()) };
        check(keys.iter().count() <= MOST_TOSS_KEYS, "toss.secret_key", "names more than two keys")?;
        let newest = keys.newest().expose_secret();
        for key in keys.iter().map(ExposeSecret::expose_secret) {
            check(
                !begins(key, &["test_ck_", "test_gck_", "live_ck_", "live_gck_"]),
                "toss.secret_key",
                "is a client key",
            )?;
            let same = TossKeyKind::of(key) == TossKeyKind::of(newest) && family(key) == family(newest);
            check(same, "toss.secret_key", "names keys of different kinds, which belong to different shops")?;
        }
        let Some(client) = &self.toss.client_key else { return Ok(()) };
        let leaked = begins(client, &["test_sk_", "test_gsk_", "live_sk_", "live_gsk_"]);
        check(!leaked, "toss.client_key", "is a secret key, which browsers must never see")?;
        let strangers = family(newest).zip(family(client)).is_some_and(|(ours, theirs)| ours != theirs);
        check(!strangers, "toss.client_key", "is of another pair: gck goes with gsk, and ck with sk")?;
        let mixed = TossKeyKind::of(newest) != TossKeyKind::of(client);
        check(!mixed, "toss.client_key", "test and live keys are mixed; Toss would refuse every payment")
    }

    fn live_key_is_not_sent_in_clear(&self) -> Result<(), ConfigError> {
        let clear = self.toss.base_url.scheme() != "https";
        let live = self.toss_key_kind() == Some(TossKeyKind::Live);
        check(
            ["http", "https"].contains(&self.toss.base_url.scheme()),
            "toss.base_url",
            "must be http or https",
        )?;
        check(!(live && clear), "toss.base_url", "a live key is only ever sent over https")
    }

    /// Whoever could change the answer on its way could sign in as anybody.
    fn jwks_cannot_be_forged_on_the_way(&self) -> Result<(), ConfigError> {
        let own = |url: &Url| match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let safe =
            |url: &Url| url.has_host() && (url.scheme() == "https" || url.scheme() == "http" && own(url));
        let sane = self.auth.jwks_url.as_ref().is_none_or(safe);
        check(sane, "auth.jwks_url", "must be https, or http on this machine")
    }
}

fn begins(key: &str, kinds: &[&str]) -> bool {
    kinds.iter().any(|kind| key.starts_with(kind))
}

fn family(key: &str) -> Option<TossKeyFamily> {
    match key.split('_').nth(1) {
        Some("sk" | "ck") => Some(TossKeyFamily::Api),
        Some("gsk" | "gck") => Some(TossKeyFamily::Widget),
        _ => None,
    }
}

pub(super) fn check(holds: bool, key: &'static str, reason: &str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::Invalid { key, reason: reason.to_owned() }) }
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

fn between_u32(key: &'static str, value: u32, least: u32, most: u32) -> Result<(), ConfigError> {
    check((least..=most).contains(&value), key, &format!("must be between {least} and {most}"))
}

fn positive(key: &'static str, value: u64) -> Result<(), ConfigError> {
    check(value > 0, key, "must be at least 1")
}

fn between(key: &'static str, value: usize, least: usize, most: usize) -> Result<(), ConfigError> {
    check((least..=most).contains(&value), key, &format!("must be between {least} and {most}"))
}

fn at_most(key: &'static str, value: u64, most: u64) -> Result<(), ConfigError> {
    check(value <= most, key, &format!("must be at most {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "GUDOK__TOSS__SECRET_KEY";
    const CLIENT: &str = "GUDOK__TOSS__CLIENT_KEY";
    const SIGNING: &str = "GUDOK__AUTH__SIGNING_SECRET";

    fn load(variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::from_variables(variables).map_err(|error| error.to_string())
    }

    #[test]
    fn two_keys_of_one_shop_may_stand_side_by_side() {
        let both = load(&[(SECRET, "test_gsk_new, test_gsk_old"), (CLIENT, "test_gck_x")]).expect("valid");
        assert_eq!(both.toss.secret_key.map(|keys| keys.iter().count()), Some(2));
        let (long, short) = ("x".repeat(32), "y".repeat(31));
        assert!(load(&[(SIGNING, &format!("{long},{long}"))]).is_ok());
        for (variables, named) in [
            (&[(SECRET, "test_gsk_hidden1, live_gsk_hidden2")][..], "different kinds"),
            (&[(SECRET, "test_gsk_hidden1, test_sk_hidden2")], "different kinds"),
            (&[(SECRET, "test_sk_hidden1, test_ck_hidden2")], "client key"),
            (&[(SECRET, "test_sk_hidden1,, test_sk_hidden2")], "must not be empty"),
            (&[(SECRET, " ")], "must not be empty"),
            (&[(SECRET, "test_sk_a, test_sk_hidden, test_sk_c")], "more than two"),
            (&[(SECRET, "test_sk_a, test_sk_b"), (CLIENT, "test_gck_x")], "another pair"),
            (&[(SIGNING, &*format!("{long}, {short}"))], "at least 32"),
        ] {
            let error = load(variables).expect_err(named);
            assert!(error.contains(named) && !error.contains("hidden"), "{error}");
        }
    }
}

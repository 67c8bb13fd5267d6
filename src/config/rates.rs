//! How often callers may call, by what they call with and by what they do.

use serde::Deserialize;

use super::ConfigError;
use super::validate::check;

/// All rates.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Of one user's JWT.
    pub user: RatesOf,
    /// Of one API key.
    pub key: RatesOf,
    /// Of one address, for requests without a credential that has been accepted before.
    pub address: AddressRates,
}

/// The rates of a credential, by what it is used for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatesOf {
    /// Looking at things.
    pub reading: Rate,
    /// Quotes, confirmations, failures.
    pub buying: Rate,
    /// Giving money back.
    pub refunding: Rate,
    /// What operators do.
    pub admin: Rate,
}

/// The rates of an address, by what it is used for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressRates {
    /// Looking at things.
    pub reading: Rate,
    /// Quotes, confirmations, failures; the pages that Toss sends buyers to.
    pub buying: Rate,
    /// Giving money back.
    pub refunding: Rate,
    /// What operators do.
    pub admin: Rate,
    /// Credentials that were refused.
    pub failures: Rate,
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests a minute in the long run; 0 for no limit.
    pub per_minute: u32,
    /// Requests at once, after a while of none.
    pub burst: u32,
}

impl Rates {
    /// Checks that every burst makes sense.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the first that does not.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let Self { user, key, address } = self;
        for (name, rate) in [
            ("rates.user.reading", user.reading),
            ("rates.user.buying", user.buying),
            ("rates.user.refunding", user.refunding),
            ("rates.user.admin", user.admin),
            ("rates.key.reading", key.reading),
            ("rates.key.buying", key.buying),
            ("rates.key.refunding", key.refunding),
            ("rates.key.admin", key.admin),
            ("rates.address.reading", address.reading),
            ("rates.address.buying", address.buying),
            ("rates.address.refunding", address.refunding),
            ("rates.address.admin", address.admin),
            ("rates.address.failures", address.failures),
        ] {
            let sane = rate.per_minute <= 10_000_000 && (1..=rate.per_minute).contains(&rate.burst);
            let reason = "burst must be at least 1 and at most per_minute, which is at most 10000000";
            check(rate.per_minute == 0 || sane, name, reason)?;
        }
        Ok(())
    }
}

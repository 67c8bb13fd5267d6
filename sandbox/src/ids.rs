//! Random identifiers in the forms that Toss uses.

use chrono::{DateTime, Utc};
use rand::{Rng, distr::Alphanumeric};

use crate::clock;

/// A payment key: a prefix, the time in Korea, and chance.
pub(crate) fn payment_key(now: DateTime<Utc>) -> String {
    format!("tgen_{}{}", clock::korean_naive(now).format("%Y%m%d%H%M%S"), letters(10))
}

/// A transaction key: 32 hexadecimal digits.
pub(crate) fn transaction_key() -> String {
    format!("{:032X}", rand::rng().random::<u128>())
}

/// The secret of a payment, which its notifications repeat.
pub(crate) fn secret() -> String {
    format!("ps_{}", letters(24))
}

/// The identifier of a webhook, which its retries repeat.
pub(crate) fn transmission() -> String {
    format!("whtrans_{}", letters(24))
}

/// The identifier of one call, as `x-tosspayments-trace-id` shows it.
pub(crate) fn trace() -> String {
    format!("{:032x}", rand::rng().random::<u128>())
}

/// `count` random decimal digits.
pub(crate) fn digits(count: usize) -> String {
    let mut rng = rand::rng();
    (0..count).map(|_| char::from(rng.random_range(b'0'..=b'9'))).collect()
}

fn letters(count: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(count).map(char::from).collect()
}

//! How many wrong keys are told so in a minute, by address and of all; the right one is always taken.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use tokio::sync::Semaphore;

use super::failures::Failures;

/// Wrong keys in a minute from one address.
const MOST_OF_ONE: u32 = 10;
/// Wrong keys in a minute from all addresses.
const MOST_OF_ALL: u32 = 100;
/// Addresses that are told apart; those beyond share the count of all.
const MOST_ADDRESSES: usize = 1_000;

/// What this process has seen in this minute, and failed in this hour.
#[derive(Debug)]
pub(in crate::admin) struct SignIns {
    minute: Mutex<Minute>,
    failures: Failures,
    checks: Semaphore,
}

/// What a key was found to be.
#[derive(Debug)]
pub(super) enum Checked<T> {
    /// A good one.
    Right(T),
    /// None.
    Wrong {
        /// Seconds after which another wrong key is told that it is wrong, at least one; none while they are told at once.
        wait: Option<u32>,
        /// How many came from this address in this hour, if that is to be written down.
        entry: Option<u32>,
    },
}

#[derive(Debug, Default)]
struct Minute {
    began: DateTime<Utc>,
    of_all: u32,
    by_address: HashMap<IpAddr, u32>,
}

/// Wrong keys that are answered at once beyond the limit.
const MOST_CHECKS: usize = 16;
/// How long each of those takes.
const A_CHECK: std::time::Duration = std::time::Duration::from_millis(10);

impl Default for SignIns {
    fn default() -> Self {
        let (minute, failures) = (Mutex::default(), Failures::default());
        Self { minute, failures, checks: Semaphore::new(MOST_CHECKS) }
    }
}

impl SignIns {
    /// What `look` finds the key to be. The right key is always taken, or strangers could lock its owner out; so wrong ones
    /// beyond the limit pay with time, in which few others are looked at.
    ///
    /// # Errors
    /// Those of `look`.
    pub(super) async fn check<T, E>(
        &self,
        from: Option<IpAddr>,
        now: DateTime<Utc>,
        look: impl Future<Output = Result<Option<T>, E>>,
    ) -> Result<Checked<T>, E> {
        let _check = self.checks.acquire().await;
        if let Some(right) = look.await? {
            return Ok(Checked::Right(right));
        }
        let entry = self.failures.count(from, now);
        let wait = self.count(from, now).err();
        if wait.is_some() {
            tokio::time::sleep(A_CHECK).await;
        }
        Ok(Checked::Wrong { wait, entry })
    }

    /// Counts a wrong key.
    fn count(&self, from: Option<IpAddr>, now: DateTime<Utc>) -> Result<(), u32> {
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now - minute.began;
        if passed >= Duration::minutes(1) || passed < Duration::zero() {
            *minute = Minute { began: now, ..Minute::default() };
        }
        let left = Duration::minutes(1) - (now - minute.began);
        let wait = u32::try_from(left.num_seconds()).unwrap_or(0).clamp(1, 60);
        if minute.of_all >= MOST_OF_ALL {
            return Err(wait);
        }
        if let Some(address) = from.map(network) {
            let known = minute.by_address.contains_key(&address);
            if known || minute.by_address.len() < MOST_ADDRESSES {
                let tries = minute.by_address.entry(address).or_default();
                if *tries >= MOST_OF_ONE {
                    return Err(wait);
                }
                *tries += 1;
            }
        }
        minute.of_all += 1;
        Ok(())
    }
}

/// One household has a /56 of addresses, or less.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d & 0xff00, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_slowed_before_all_are() {
        let (limit, start) = (SignIns::default(), DateTime::UNIX_EPOCH + Duration::days(1));
        let from = |last: u8| Some(IpAddr::from([203, 0, 113, last]));
        for _ in 0..MOST_OF_ONE {
            assert_eq!(limit.count(from(1), start), Ok(()));
        }
        assert_eq!(limit.count(from(1), start + Duration::seconds(10)), Err(50));
        for last in 2..=10 {
            for _ in 0..MOST_OF_ONE {
                assert_eq!(limit.count(from(last), start), Ok(()));
            }
        }
        assert_eq!(limit.count(from(99), start), Err(60));
        assert_eq!(limit.count(from(1), start + Duration::minutes(1)), Ok(()));
    }

    #[test]
    fn neighbours_in_one_network_are_one() {
        let limit = SignIns::default();
        let from = |last: u16| Some(IpAddr::from([0x2001, 0xdb8, 0, 0x0100 + last, 0, 0, 0, last]));
        for last in 0..10 {
            assert_eq!(limit.count(from(last), DateTime::UNIX_EPOCH), Ok(()));
        }
        assert!(limit.count(from(0xff), DateTime::UNIX_EPOCH).is_err());
        assert!(limit.count(from(0x100), DateTime::UNIX_EPOCH).is_ok(), "the next household");
    }
}

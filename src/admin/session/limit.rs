//! How many wrong keys are looked at in a minute: by address, and of all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

/// Wrong keys in a minute from one address.
const MOST_OF_ONE: u32 = 10;
/// Wrong keys in a minute from all addresses.
const MOST_OF_ALL: u32 = 100;
/// Addresses that are told apart; those beyond share the count of all.
const MOST_ADDRESSES: usize = 1_000;

/// What this process has seen in this minute.
#[derive(Debug, Default)]
pub(in crate::admin) struct SignIns(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    began: DateTime<Utc>,
    of_all: u32,
    by_address: HashMap<IpAddr, u32>,
}

impl SignIns {
    /// Counts a try, or tells after how many seconds one is taken.
    ///
    /// # Errors
    /// Seconds, at least one.
    pub(super) fn take(&self, from: Option<IpAddr>, now: DateTime<Utc>) -> Result<(), u32> {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// The try was no wrong one.
    pub(super) fn give_back(&self, from: Option<IpAddr>) {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        minute.of_all = minute.of_all.saturating_sub(1);
        if let Some(tries) = from.map(network).and_then(|address| minute.by_address.get_mut(&address)) {
            *tries = tries.saturating_sub(1);
        }
    }
}

/// One household has a whole /64 of addresses.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
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
            assert_eq!(limit.take(from(1), start), Ok(()));
        }
        assert_eq!(limit.take(from(1), start + Duration::seconds(10)), Err(50));
        limit.give_back(from(1));
        assert_eq!(limit.take(from(1), start), Ok(()));
        for last in 2..=10 {
            for _ in 0..MOST_OF_ONE {
                assert_eq!(limit.take(from(last), start), Ok(()));
            }
        }
        assert_eq!(limit.take(from(99), start), Err(60));
        assert_eq!(limit.take(from(1), start + Duration::minutes(1)), Ok(()));
    }

    #[test]
    fn neighbours_in_one_network_are_one() {
        let limit = SignIns::default();
        let from = |last: u16| Some(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]));
        for last in 0..10 {
            assert_eq!(limit.take(from(last), DateTime::UNIX_EPOCH), Ok(()));
        }
        assert!(limit.take(from(11), DateTime::UNIX_EPOCH).is_err());
    }
}

//! Which failed sign-ins go to the audit log: of each address the first, tenth, hundredth and so on in an hour, and no
//! more than some in all, so that nobody can fill the log who has no key.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

use super::limit::network;

/// Entries that one process writes in an hour.
const MOST_ENTRIES: u32 = 60;
/// Addresses that are told apart; those beyond count as one.
const MOST_ADDRESSES: usize = 1_000;

/// What failed in this hour.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<Hour>);

#[derive(Debug, Default)]
struct Hour {
    began: DateTime<Utc>,
    entries: u32,
    by_address: HashMap<Option<IpAddr>, u32>,
}

impl Failures {
    /// Counts one from this address. Returns how many there were in this hour, if that is to be written down.
    pub(super) fn count(&self, from: Option<IpAddr>, now: DateTime<Utc>) -> Option<u32> {
        let mut hour = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now - hour.began;
        if passed >= Duration::hours(1) || passed < Duration::zero() {
            *hour = Hour { began: now, ..Hour::default() };
        }
        let from = from.map(network);
        let told_apart = hour.by_address.len() < MOST_ADDRESSES || hour.by_address.contains_key(&from);
        let failures = hour.by_address.entry(from.filter(|_| told_apart)).or_default();
        *failures = failures.saturating_add(1);
        let failures = *failures;
        let is_due = 10_u32.pow(failures.ilog10()) == failures && hour.entries < MOST_ENTRIES;
        hour.entries += u32::from(is_due);
        is_due.then_some(failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + seconds, 0).expect("in range")
    }

    #[test]
    fn the_first_the_tenth_and_the_hundredth_of_an_address_are_told_each_hour() {
        let (failures, from) = (Failures::default(), Some(IpAddr::from([203, 0, 113, 1])));
        let told: Vec<u32> = (0..250).filter_map(|_| failures.count(from, at(0))).collect();
        assert_eq!(told, [1, 10, 100]);
        assert_eq!(failures.count(Some(IpAddr::from([203, 0, 113, 2])), at(0)), Some(1));
        assert_eq!(failures.count(from, at(3_599)), None);
        assert_eq!(failures.count(from, at(3_600)), Some(1));
    }

    #[test]
    fn any_number_of_addresses_makes_few_entries_and_fills_no_memory() {
        let failures = Failures::default();
        let from = |number: u32| Some(IpAddr::from(number.to_be_bytes()));
        let told = (0..5_000).filter_map(|number| failures.count(from(number), at(0))).count();
        assert_eq!(told, usize::try_from(MOST_ENTRIES).expect("small"));
        assert!(failures.0.lock().expect("whole").by_address.len() <= MOST_ADDRESSES + 1);
    }
}

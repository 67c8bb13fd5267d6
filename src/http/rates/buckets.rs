//! Token buckets for keys that strangers choose: what is kept of them is bounded, whatever they send.

use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use crate::config::Rate;
use crate::generations::{Generations, Micros};

const MINUTE: Micros = 60_000_000;

/// How a bucket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// Requests that it holds.
    pub(super) left: u32,
    /// Until it is full again.
    pub(super) full_in: Micros,
    /// Until it holds one, where it holds none.
    pub(super) next_in: Option<Micros>,
}

/// Buckets by key. A bucket is the instant at which it will be full; one that is full is not kept.
#[derive(Debug)]
pub(super) struct Buckets<K>(Mutex<Generations<K, Micros>>);

impl<K: Eq + Hash> Buckets<K> {
    /// At most `most` that are not full. Whoever brings more keys than that makes others' buckets full, never smaller.
    pub(super) fn new(most: usize) -> Self {
        // With bursts of at most a minute's worth, a bucket is full again after a minute.
        Self(Mutex::new(Generations::new(most, MINUTE)))
    }

    /// Takes one request out of the bucket if it holds one.
    pub(super) fn take(&self, key: K, rate: Rate, now: Micros) -> Standing {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (standing, full_at) = take(buckets.get(&key), rate, now);
        buckets.put(key, full_at, now);
        standing
    }

    /// How the bucket stands.
    pub(super) fn look(&self, key: K, rate: Rate, now: Micros) -> Standing {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (cost, whole) = sizes(rate);
        let full_at = buckets.get(&key).unwrap_or(now);
        let debt = (full_at - now).clamp(0, whole);
        if debt > 0 {
            buckets.put(key, now + debt, now);
        }
        standing(debt, cost, whole)
    }
}

/// What one request costs, and what a whole bucket holds.
fn sizes(rate: Rate) -> (Micros, Micros) {
    let cost = (MINUTE / Micros::from(rate.per_minute.max(1))).max(1);
    (cost, cost * Micros::from(rate.burst))
}

fn take(full_at: Option<Micros>, rate: Rate, now: Micros) -> (Standing, Micros) {
    let (cost, whole) = sizes(rate);
    // A clock that was set back makes nobody wait longer than an empty bucket would.
    let debt = (full_at.unwrap_or(now) - now).clamp(0, whole);
    if debt + cost > whole {
        return (standing(debt, cost, whole), now + debt);
    }
    let debt = debt + cost;
    (Standing { next_in: None, ..standing(debt, cost, whole) }, now + debt)
}

fn standing(debt: Micros, cost: Micros, whole: Micros) -> Standing {
    let left = u32::try_from((whole - debt) / cost).unwrap_or(u32::MAX);
    Standing { left, full_in: debt, next_in: (left == 0).then_some(debt + cost - whole) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_minute: 60, burst: 3 };
    const SECOND: Micros = 1_000_000;

    #[test]
    fn a_bucket_gives_its_burst_and_then_as_it_fills() {
        let (buckets, start) = (Buckets::new(10), 1_000 * SECOND);
        let take = |at| buckets.take("a", RATE, at);
        assert_eq!([take(start), take(start), take(start)].map(|it| it.left), [2, 1, 0]);
        let refused = take(start + SECOND / 4);
        assert_eq!((refused.left, refused.next_in), (0, Some(SECOND * 3 / 4)));
        assert_eq!(take(start + SECOND).next_in, None, "a refusal costs nothing");
        assert!(take(start + SECOND).next_in.is_some());
        assert_eq!(buckets.take("b", RATE, start).left, 2, "others have their own");
        let full = take(start + 60 * SECOND);
        assert_eq!((full.left, full.full_in), (2, SECOND));
    }

    #[test]
    fn looking_takes_nothing() {
        let buckets = Buckets::new(10);
        let rate = Rate { per_minute: 60, burst: 1 };
        assert_eq!(buckets.look("a", rate, 0).left, 1);
        assert_eq!(buckets.take("a", rate, 0).next_in, None);
        assert_eq!(buckets.look("a", rate, 0).next_in, Some(SECOND));
        assert_eq!(buckets.look("a", rate, SECOND).next_in, None);
    }

    #[test]
    fn what_is_not_full_outlives_a_change_of_generations() {
        let buckets = Buckets::new(10);
        let rate = Rate { per_minute: 2, burst: 2 };
        let start = 1_000 * SECOND;
        buckets.take("other", rate, start);
        buckets.take("a", rate, start + 59 * SECOND);
        buckets.take("a", rate, start + 59 * SECOND);
        buckets.take("other", rate, start + 61 * SECOND);
        assert!(buckets.take("a", rate, start + 62 * SECOND).next_in.is_some());
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let buckets = Buckets::new(10);
        for _ in 0..3 {
            buckets.take("a", RATE, 1_000_000 * SECOND);
        }
        assert_eq!(buckets.take("a", RATE, 0).next_in, Some(SECOND));
        assert_eq!(buckets.take("a", RATE, SECOND).next_in, None);
        assert_eq!(buckets.look("a", RATE, -1_000 * SECOND).next_in, Some(SECOND));
        assert_eq!(buckets.look("a", RATE, -999 * SECOND).next_in, None);
    }
}

//! Drives load. Closed loop: as many buyers as told, each goes on when it has its answer. Open loop: so many a second,
//! whatever the answers do, and each waits from the instant at which it was meant to begin; a service that stands still
//! for a second cannot hide that by being asked less.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use hdrhistogram::Histogram;
use tokio::time::{Instant, sleep_until};

use crate::http::Connection;

/// Histograms go to a minute, with three significant digits.
const LONGEST_MICROS: u64 = 60_000_000;

/// What one load has brought.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Microseconds of those that succeeded.
    waits: Histogram<u64>,
    /// The same one by one, with the second in which each was meant to begin; of open loops only.
    moments: Vec<(u64, u64)>,
    /// Seconds in which they did.
    pub(crate) seconds: f64,
    /// How many failed.
    pub(crate) errors: u64,
    /// Why, once.
    pub(crate) error: Option<String>,
}

impl Load {
    fn new() -> Self {
        let waits = Histogram::new_with_bounds(1, LONGEST_MICROS, 3).expect("sane bounds");
        Self { waits, moments: Vec::new(), seconds: 0.0, errors: 0, error: None }
    }

    /// How many a second.
    pub(crate) fn rate(&self) -> f64 {
        self.waits.len() as f64 / self.seconds
    }

    /// Milliseconds below which a share of all waits lies.
    pub(crate) fn millis(&self, quantile: f64) -> f64 {
        self.waits.value_at_quantile(quantile) as f64 / 1_000.0
    }

    /// The same of each second by itself, and of these the median: what an ordinary second is like. A machine that stands
    /// still as a whole for a quarter of a second, as virtual ones do, decides over all waits taken together.
    pub(crate) fn ordinary_millis(&self, quantile: f64) -> f64 {
        let mut seconds: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for (second, micros) in &self.moments {
            seconds.entry(*second).or_default().push(*micros);
        }
        let of_each = seconds.into_values().map(|waits| at(waits, quantile)).collect();
        at(of_each, 0.5) as f64 / 1_000.0
    }

    /// This and another load of the same kind as one.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.waits.add(&other.waits).expect("the same bounds");
        // Behind the seconds of this one.
        let first = self.moments.iter().map(|(second, _)| second + 1).max().unwrap_or(0);
        self.moments.extend(other.moments.into_iter().map(|(second, wait)| (first + second, wait)));
        self.seconds += other.seconds;
        self.errors += other.errors;
        self.error = self.error.or(other.error);
        self
    }

    fn note(&mut self, outcome: Result<(), String>, wait: Duration) {
        match outcome {
            Ok(()) => self.waits.saturating_record(micros(wait)),
            Err(error) => {
                self.errors += 1;
                self.error.get_or_insert(error);
            }
        }
    }

    fn merged(loads: Vec<Self>, took: Duration) -> Self {
        let mut all = Self { seconds: took.as_secs_f64(), ..Self::new() };
        for load in loads {
            all.waits.add(&load.waits).expect("the same bounds");
            all.moments.extend(load.moments);
            all.errors += load.errors;
            all.error = all.error.or(load.error);
        }
        all
    }
}

fn micros(wait: Duration) -> u64 {
    u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)
}

/// The value below which a share of all lies; 0 of none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
fn at(mut values: Vec<u64>, share: f64) -> u64 {
    values.sort_unstable();
    let place = (values.len() as f64 * share) as usize;
    values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// How long to drive, and at what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    /// The service's addresses; connections are dealt out among them.
    pub(crate) addresses: &'a [SocketAddr],
    /// Connections.
    pub(crate) clients: usize,
    /// Not counted: caches and prepared statements come into being.
    pub(crate) warm: Duration,
    /// Counted.
    pub(crate) time: Duration,
}

impl Plan<'_> {
    fn connection(&self, client: usize) -> Connection {
        Connection::to(self.addresses[client % self.addresses.len()])
    }
}

/// Every client goes on as soon as it has its answer. `work` gets a number that no other has.
pub(crate) async fn closed<W>(plan: Plan<'_>, work: W) -> Load
where
    W: AsyncFn(&mut Connection, u64) -> Result<(), String>,
{
    let counted = Instant::now() + plan.warm;
    let end = counted + plan.time;
    let next = Cell::new(0);
    let clients = (0..plan.clients).map(async |client| {
        let mut connection = plan.connection(client);
        let mut load = Load::new();
        loop {
            let start = Instant::now();
            if start >= end {
                return load;
            }
            let outcome = work(&mut connection, next.replace(next.get() + 1)).await;
            let finish = Instant::now();
            if finish >= counted && finish < end {
                load.note(outcome, finish - start);
            }
        }
    });
    Load::merged(join_all(clients).await, plan.time)
}

/// `rate` a second begin, at even distances, as long as a client is free; one that finds none waits, and its wait counts.
/// It ends after `plan.time`, or earlier when `done` says so.
pub(crate) async fn open<W>(plan: Plan<'_>, rate: f64, done: &Cell<bool>, work: W) -> Load
where
    W: AsyncFn(&mut Connection, u64) -> Result<(), String>,
{
    let start = Instant::now();
    let counted = start + plan.warm;
    let end = counted + plan.time;
    let next = Cell::new(0_u64);
    let clients = (0..plan.clients).map(async |client| {
        let mut connection = plan.connection(client);
        let mut load = Load::new();
        loop {
            let number = next.replace(next.get() + 1);
            let intended = start + Duration::from_secs_f64(number as f64 / rate);
            if intended >= end || done.get() {
                return load;
            }
            sleep_until(intended).await;
            let outcome = work(&mut connection, number).await;
            if intended >= counted {
                let wait = intended.elapsed();
                if outcome.is_ok() {
                    load.moments.push(((intended - counted).as_secs(), micros(wait)));
                }
                load.note(outcome, wait);
            }
        }
    });
    let loads = join_all(clients).await;
    Load::merged(loads, counted.elapsed().min(plan.time))
}

/// Each of `items` once, by `clients` at a time.
pub(crate) async fn each<W, T>(plan: Plan<'_>, items: &[T], work: W) -> Load
where
    W: AsyncFn(&mut Connection, &T) -> Result<(), String>,
{
    let start = Instant::now();
    let next = Cell::new(0);
    let clients = (0..plan.clients).map(async |client| {
        let mut connection = plan.connection(client);
        let mut load = Load::new();
        while let Some(item) = items.get(next.replace(next.get() + 1)) {
            let begun = Instant::now();
            let outcome = work(&mut connection, item).await;
            load.note(outcome, begun.elapsed());
        }
        load
    });
    let loads = join_all(clients).await;
    Load::merged(loads, start.elapsed())
}

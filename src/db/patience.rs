//! How often, and for how long, what the database gave up or lost is tried again.

use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;

use super::error;

/// How often what lost its connection is tried.
const MOST_DEATHS: u32 = 6;
/// For how long what others were preferred to is tried again. Where all transactions are serializable and many write, most
/// lose several times, and what is given up may have to tell what Toss did. Less than half of a lease.
const LOSSES: Duration = Duration::from_secs(3);
/// The longest wait between tries, in milliseconds, give or take a half.
const LONGEST_WAIT: u64 = 500;

/// What one transaction has been through so far.
#[derive(Debug, Default)]
pub struct Patience {
    /// How often it has lost its connection.
    deaths: u32,
    /// How often others were preferred.
    losses: u32,
    /// When others first were.
    first_loss: Option<Instant>,
}

impl Patience {
    /// How long to wait before what lost its connection runs again; none when that has happened often enough.
    pub(super) fn after_death(
        &mut self,
        error: &(dyn std::error::Error + 'static),
        retries: &Counter,
    ) -> Option<Duration> {
        if error::went_unanswered(error) {
            // That has taken long enough to be tried only once more.
            self.deaths = self.deaths.max(MOST_DEATHS - 2);
        }
        self.deaths += 1;
        (self.deaths < MOST_DEATHS).then(|| once_more(retries, self.deaths))
    }

    /// The same for what was given up in favour of another transaction.
    pub(super) fn after_loss(&mut self, retries: &Counter) -> Option<Duration> {
        let since = *self.first_loss.get_or_insert_with(Instant::now);
        self.losses += 1;
        (since.elapsed() < LOSSES).then(|| once_more(retries, self.losses))
    }
}

/// Counts one more try, and tells how long to wait before it.
fn once_more(retries: &Counter, times: u32) -> Duration {
    retries.inc();
    tracing::debug!(times, "a transaction did not come to its end; once more");
    let wait = (5 << times.min(7)).min(LONGEST_WAIT);
    // Not all that lost to each other at once come back at once.
    Duration::from_millis(rand::random_range(wait / 2..=wait * 3 / 2))
}

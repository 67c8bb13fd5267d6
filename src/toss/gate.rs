//! How many purchases may wait on Toss at once, and whether Toss is worth asking: what is refused here is refused before
//! anything is claimed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Answer;
use crate::clock::Clock;

/// Calls that must fail one after another before Toss counts as down.
const FAILURES_TO_OPEN: u32 = 10;
/// Failures that lie further apart than this are not one after another.
const FORGOTTEN: Duration = Duration::minutes(3);
/// How long new claims are refused before one of them may try again.
const COOL_DOWN: Duration = Duration::seconds(10);
/// How long is paused after a 429 that does not say it.
const PAUSE: Duration = Duration::seconds(5);
/// The longest pause that Toss is given.
const LONGEST_PAUSE: Duration = Duration::seconds(60);

/// The gate before Toss; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    slots: Arc<Semaphore>,
    state: Arc<Mutex<State>>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct State {
    /// Calls that told something of Toss, ever.
    heard: u64,
    /// Calls that failed since the last one that did not.
    failures: u32,
    /// When the last of them did.
    failed_at: Option<DateTime<Utc>>,
    /// Until when the circuit refuses claims.
    open_until: Option<DateTime<Utc>>,
    /// Until when Toss wants no calls.
    paused_until: Option<DateTime<Utc>>,
}

/// Leave to ask Toss for one purchase or refund; a slot is taken until it is dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "held for their drop")]
pub struct Admission {
    slot: OwnedSemaphorePermit,
    probe: Option<Probe>,
}

/// Leave to see whether Toss is back. When it was not used, since the claim came to nothing, the next one has it.
#[derive(Debug)]
struct Probe {
    state: Arc<Mutex<State>>,
    /// How much had been heard of Toss before.
    heard: u64,
}

impl Drop for Probe {
    fn drop(&mut self) {
        let mut state = locked(&self.state);
        if state.heard == self.heard {
            state.open_until = state.open_until.map(|until| until - COOL_DOWN);
        }
    }
}

/// Why Toss is not asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Toss cannot be asked now")]
pub struct Refused {
    /// After how many seconds it is worth another try.
    pub retry_after: u32,
}

/// How the gate stands, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Purchases and refunds that wait on Toss.
    pub in_flight: usize,
    /// Whether the circuit is open.
    pub open: bool,
    /// Whether Toss has asked for a pause.
    pub paused: bool,
}

impl Gate {
    /// A gate that lets `most` through at once.
    pub(super) fn new(most: usize, clock: Clock) -> Self {
        Self { slots: Arc::new(Semaphore::new(most)), state: Arc::default(), clock }
    }

    /// Leave for a new purchase or refund to go to Toss.
    ///
    /// # Errors
    /// [`Refused`] while Toss is down or wants a pause, or too many wait on it already.
    pub(super) fn admit(&self) -> Result<Admission, Refused> {
        let now = self.clock.now();
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| Refused { retry_after: 2 })?;
        let mut state = self.state();
        if let Some(until) = state.paused_until.filter(|until| lasts(*until, LONGEST_PAUSE, now)) {
            return Err(Refused { retry_after: seconds(until - now) });
        }
        let Some(until) = state.open_until else { return Ok(Admission { slot, probe: None }) };
        if lasts(until, COOL_DOWN, now) {
            return Err(Refused { retry_after: seconds(until - now) });
        }
        // This one is let through to see whether Toss is back; the others wait for what it finds.
        state.open_until = Some(now + COOL_DOWN);
        let probe = Probe { state: Arc::clone(&self.state), heard: state.heard };
        Ok(Admission { slot, probe: Some(probe) })
    }

    /// Whether Toss takes calls at all. Unknown outcomes are asked about even while the circuit is open: that is what
    /// finds out that Toss is back.
    pub(super) fn is_listening(&self) -> bool {
        let now = self.clock.now();
        self.state().paused_until.is_none_or(|until| !lasts(until, LONGEST_PAUSE, now))
    }

    /// Learns from how a call went: with `other` than what it asked for, or well. `retry_after` is what a 429 asked for, in
    /// seconds.
    pub(super) fn heard(&self, other: Option<&Answer>, status: Option<u16>, retry_after: Option<u32>) {
        let now = self.clock.now();
        let mut state = self.state();
        state.heard += 1;
        if status == Some(429) {
            let asked = retry_after.map_or(PAUSE, |seconds| Duration::seconds(seconds.into()));
            state.paused_until = Some(now + asked.clamp(Duration::seconds(1), LONGEST_PAUSE));
            tracing::warn!(?retry_after, "Toss wants a pause");
            return;
        }
        let answers = match other {
            None | Some(Answer::Payment(_)) => true,
            // A coded answer below 500 comes from a Toss that works, whatever it says.
            Some(Answer::Error { .. }) => status.is_some_and(|status| status < 500),
            Some(Answer::NotSent { .. } | Answer::Silent { .. }) => false,
        };
        if answers {
            if state.open_until.take().is_some() {
                tracing::info!("Toss answers again");
            }
            state.failures = 0;
            return;
        }
        // One payment that Toss fails over hour after hour does not make it down.
        let lately = state.failed_at.is_some_and(|at| now - at < FORGOTTEN);
        state.failures = if lately { state.failures.saturating_add(1) } else { 1 };
        state.failed_at = Some(now);
        if state.failures >= FAILURES_TO_OPEN {
            if state.open_until.is_none() {
                tracing::warn!(failures = state.failures, "Toss does not answer; new purchases are refused");
            }
            state.open_until = Some(now + COOL_DOWN);
        }
    }

    /// How it stands. `most` is what it lets through at once.
    pub(super) fn standing(&self, most: usize) -> Standing {
        let now = self.clock.now();
        let state = self.state();
        Standing {
            in_flight: most.saturating_sub(self.slots.available_permits()),
            open: state.open_until.is_some(),
            paused: state.paused_until.is_some_and(|until| lasts(until, LONGEST_PAUSE, now)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether something goes on until `until` that lasts `longest` at most: what seems to last longer was written by a clock
/// that has been put back since.
fn lasts(until: DateTime<Utc>, longest: Duration, now: DateTime<Utc>) -> bool {
    now < until && until - now <= longest
}

/// Whole seconds, rounded up, at least one.
fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.num_milliseconds().max(1).unsigned_abs().div_ceil(1_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    fn silent() -> Answer {
        Answer::Silent { cause: "x".to_owned() }
    }

    fn gate(most: usize) -> (Gate, Arc<AtomicI64>) {
        let shift = Arc::new(AtomicI64::new(0));
        (Gate::new(most, Clock::shifted_by(Arc::clone(&shift))), shift)
    }

    #[test]
    fn a_clock_that_is_put_back_makes_no_pause_longer() {
        let (gate, shift) = gate(4);
        gate.heard(None, Some(429), Some(2));
        assert!(gate.admit().is_err() && !gate.is_listening());
        shift.store(-3_600_000_000, Ordering::Relaxed);
        assert!(gate.admit().is_ok() && gate.is_listening() && !gate.standing(4).paused);
        for _ in 0..FAILURES_TO_OPEN {
            gate.heard(Some(&silent()), None, None);
        }
        assert!(gate.admit().is_err());
        shift.store(-7_200_000_000, Ordering::Relaxed);
        let _probe = gate.admit().expect("one is let through to see whether Toss is back");
        assert!(gate.admit().is_err(), "and only one");
    }

    fn declined() -> Answer {
        let body = br#"{"code":"REJECT_CARD_PAYMENT","message":""}"#;
        Answer::json(super::super::codes::Operation::Confirm, 403, body).expect_err("a decline")
    }

    #[test]
    fn the_circuit_opens_lets_one_try_and_closes() {
        let (gate, shift) = gate(4);
        for _ in 1..FAILURES_TO_OPEN {
            gate.heard(Some(&silent()), None, None);
        }
        assert!(gate.admit().is_ok());
        gate.heard(Some(&silent()), None, None);
        assert!(gate.admit().is_err_and(|refused| (1..=10).contains(&refused.retry_after)));
        assert!(gate.is_listening());
        shift.fetch_add(11_000_000, Ordering::Relaxed);
        let probe = gate.admit().expect("leave to try");
        assert!(gate.admit().is_err(), "only one may try");
        // A no is an answer.
        gate.heard(Some(&declined()), Some(403), None);
        drop(probe);
        assert!(gate.admit().is_ok() && gate.admit().is_ok());
    }

    #[test]
    fn a_try_that_comes_to_nothing_leaves_the_next_one_its_turn() {
        let (gate, shift) = gate(4);
        for _ in 0..FAILURES_TO_OPEN {
            gate.heard(Some(&silent()), None, None);
        }
        shift.fetch_add(11_000_000, Ordering::Relaxed);
        // Its transaction is run again, say: nobody has asked Toss.
        drop(gate.admit().expect("leave to try"));
        let probe = gate.admit().expect("it is not refused by itself");
        assert!(gate.admit().is_err(), "only one may try");
        gate.heard(Some(&silent()), None, None);
        drop(probe);
        assert!(gate.admit().is_err(), "Toss was asked, and is still down");
        assert!(gate.standing(4).open);
    }

    #[test]
    fn failures_far_apart_open_nothing() {
        let (gate, shift) = gate(4);
        for _ in 0..FAILURES_TO_OPEN * 2 {
            gate.heard(Some(&silent()), None, None);
            shift.fetch_add(3_600_000_000, Ordering::Relaxed);
        }
        assert!(gate.admit().is_ok() && gate.admit().is_ok());
    }

    #[test]
    fn a_pause_lasts_as_long_as_toss_asks() {
        let (gate, shift) = gate(4);
        gate.heard(Some(&silent()), Some(429), Some(7));
        assert!(!gate.is_listening());
        assert!(gate.admit().is_err_and(|refused| (6..=7).contains(&refused.retry_after)));
        shift.fetch_add(8_000_000, Ordering::Relaxed);
        assert!(gate.is_listening() && gate.admit().is_ok());
        gate.heard(Some(&silent()), Some(429), Some(1_000_000));
        shift.fetch_add(61_000_000, Ordering::Relaxed);
        assert!(gate.is_listening());
    }

    #[test]
    fn no_more_than_its_slots_go_through() {
        let (gate, _) = gate(2);
        let (first, _second) = (gate.admit().expect("a slot"), gate.admit().expect("a slot"));
        assert!(gate.admit().is_err());
        drop(first);
        assert!(gate.admit().is_ok());
    }
}

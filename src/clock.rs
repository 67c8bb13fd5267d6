//! The only place that reads the time. Operations get `now` from whoever called them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SubsecRound, Utc};

/// The time as gudok sees it: the system's, plus a shift that only development and tests ever set.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    shift_micros: Arc<AtomicI64>,
}

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self::default()
    }

    /// The system's time plus as many microseconds as the shared number says at that moment.
    pub fn shifted_by(shift_micros: Arc<AtomicI64>) -> Self {
        Self { shift_micros }
    }

    /// Now, in whole microseconds: PostgreSQL keeps no more, and both databases must hold the same value.
    pub fn now(&self) -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let now = Utc::now().trunc_subsecs(6);
        let shift = chrono::Duration::microseconds(self.shift_micros.load(Ordering::Relaxed));
        now.checked_add_signed(shift).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_has_whole_microseconds_and_follows_the_shift() {
        let shift = Arc::new(AtomicI64::new(0));
        let clock = Clock::shifted_by(Arc::clone(&shift));
        let before = clock.now();
        assert_eq!(before.timestamp_subsec_nanos() % 1_000, 0);
        shift.store(3_600_000_000, Ordering::Relaxed);
        assert!(clock.now() - before >= chrono::Duration::hours(1));
    }
}

//! The sandbox's clock: the machine's time plus an offset that tests and people move forward.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, Duration, Utc};

/// A clock that can be moved. Clones share one offset, so moving one moves all.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// The machine's own time, until it is advanced.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that adds `offset` microseconds to the machine's time.
    ///
    /// Hand over the offset of another clock to move both together.
    pub fn with_offset(offset: Arc<AtomicI64>) -> Self {
        Self { offset }
    }

    /// The time in the sandbox.
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the sandbox reads the time")]
    pub fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        let offset = Duration::microseconds(self.offset.load(Ordering::SeqCst));
        now.checked_add_signed(offset).unwrap_or(now)
    }

    /// Moves the clock by `by`, for everyone who shares it.
    pub fn advance(&self, by: Duration) {
        let micros = by.num_microseconds().unwrap_or(i64::MAX);
        let moved = |offset: i64| Some(offset.saturating_add(micros));
        // The closure always answers `Some`, so the update cannot fail.
        let _ = self.offset.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved);
    }

    /// The shared offset, in microseconds.
    pub fn offset(&self) -> Arc<AtomicI64> {
        Arc::clone(&self.offset)
    }
}

/// Writes a time as Toss does: Korean time, whole seconds, `+09:00`.
pub(crate) fn korean(at: DateTime<Utc>) -> String {
    format!("{}+09:00", korean_naive(at).format("%Y-%m-%dT%H:%M:%S"))
}

/// The wall clock in Korea, which has no summer time.
pub(crate) fn korean_naive(at: DateTime<Utc>) -> chrono::NaiveDateTime {
    let naive = at.naive_utc();
    naive.checked_add_signed(Duration::hours(9)).unwrap_or(naive)
}

/// Reads `31d`, `2h`, `10m` or `90s`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let count: i64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    // Time only goes forward, and not past what the offset can hold.
    let total = count.checked_mul(seconds)?;
    (0..=MAX_ADVANCE_SECONDS).contains(&total).then(|| Duration::seconds(total))
}

/// A hundred years in one step is more than any test needs.
const MAX_ADVANCE_SECONDS: i64 = 36_525 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_move_together() {
        let clock = Clock::system();
        let other = Clock::with_offset(clock.offset());
        let before = clock.now();
        other.advance(Duration::days(31));
        assert!(clock.now() - before >= Duration::days(31));
        assert_eq!(clock.offset().load(Ordering::SeqCst), Duration::days(31).num_microseconds().unwrap());
    }

    #[test]
    fn durations_are_read() {
        assert_eq!(parse_duration("31d"), Some(Duration::days(31)));
        assert_eq!(parse_duration("2h"), Some(Duration::hours(2)));
        assert_eq!(parse_duration("10m"), Some(Duration::minutes(10)));
        assert_eq!(parse_duration("90s"), Some(Duration::seconds(90)));
        for bad in ["", "d", "-1d", "1.5h", "10", "1w", "99999999999999d", "시"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_are_written_in_korea() {
        let at = DateTime::parse_from_rfc3339("2026-12-31T15:00:00.999Z").unwrap().to_utc();
        assert_eq!(korean(at), "2027-01-01T00:00:00+09:00");
    }
}

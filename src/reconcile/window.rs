//! The time that is compared, in calendar days of the billing time zone.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use crate::subscriptions::calendar::resolve;

/// Days that one run compares at most.
const MOST_DAYS: i64 = 366;

/// A stretch of time: `[from, to)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First instant inside.
    pub from: DateTime<Utc>,
    /// First instant after.
    pub to: DateTime<Utc>,
}

/// Why there is nothing to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The last day comes before the first.
    #[error("--to lies before --from")]
    Backwards,
    /// The first day has not begun.
    #[error("--from lies in the future")]
    Future,
    /// More days than one run compares.
    #[error("at most {MOST_DAYS} days can be compared at once")]
    TooLong,
    /// A day that no calendar has.
    #[error("a day lies beyond the calendar")]
    Beyond,
}

impl Window {
    /// From the first instant of `first` to the last of `last`, but no later than `now`.
    ///
    /// # Errors
    /// [`WindowError`].
    pub fn of_days(
        first: NaiveDate,
        last: NaiveDate,
        zone: Tz,
        now: DateTime<Utc>,
    ) -> Result<Self, WindowError> {
        if last < first {
            return Err(WindowError::Backwards);
        }
        if (last - first).num_days() >= MOST_DAYS {
            return Err(WindowError::TooLong);
        }
        let from = midnight(first, zone).ok_or(WindowError::Beyond)?;
        let after = last.succ_opt().and_then(|day| midnight(day, zone)).ok_or(WindowError::Beyond)?;
        if from >= now {
            return Err(WindowError::Future);
        }
        Ok(Self { from, to: after.min(now) })
    }

    /// The same window, day by day.
    pub(super) fn days(self, zone: Tz) -> Vec<Window> {
        let mut days = Vec::new();
        let mut from = self.from;
        while from < self.to {
            let today = from.with_timezone(&zone).date_naive();
            let next = today.checked_add_days(Days::new(1)).and_then(|day| midnight(day, zone));
            // Without a next midnight the calendar ends, and so does the window.
            let to = next.filter(|next| *next > from).map_or(self.to, |next| next.min(self.to));
            days.push(Window { from, to });
            from = to;
        }
        days
    }
}

/// The first instant of `day` in `zone`.
pub(super) fn midnight(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    resolve(day.and_time(NaiveTime::MIN), zone)
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::Santiago;
    use chrono_tz::Asia::Seoul;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn both_days_are_inside_and_nothing_of_the_future_is() {
        let late = at("2026-12-31T00:00:00Z");
        let window = Window::of_days(day("2026-11-01"), day("2026-11-02"), Seoul, late).expect("a window");
        assert_eq!((window.from, window.to), (at("2026-10-31T15:00:00Z"), at("2026-11-02T15:00:00Z")));
        let noon = at("2026-11-02T03:00:00Z");
        let window = Window::of_days(day("2026-11-01"), day("2026-11-02"), Seoul, noon).expect("a window");
        assert_eq!(window.to, noon);
    }

    #[test]
    fn days_follow_each_other_without_a_gap() {
        let window = Window { from: at("2026-10-31T20:00:00Z"), to: at("2026-11-03T01:00:00Z") };
        let days = window.days(Seoul);
        assert_eq!(days.len(), 3);
        assert_eq!((days[0].from, days[2].to), (window.from, window.to));
        assert!(days.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert_eq!(days[0].to, at("2026-11-01T15:00:00Z"));
    }

    #[test]
    fn a_midnight_that_clocks_skip_ends_no_day_twice() {
        // Chile skipped from 00:00 to 01:00 on 8 September 2024.
        let window = Window { from: at("2024-09-07T04:00:00Z"), to: at("2024-09-09T03:00:00Z") };
        let days = window.days(Santiago);
        assert_eq!(days.len(), 2);
        assert_eq!(days[0].to, at("2024-09-08T04:00:00Z"));
    }

    #[test]
    fn windows_that_make_no_sense_are_refused() {
        let now = at("2026-11-02T03:00:00Z");
        let window = |first, last| Window::of_days(day(first), day(last), Seoul, now);
        assert_eq!(window("2026-11-02", "2026-11-01"), Err(WindowError::Backwards));
        assert_eq!(window("2026-11-03", "2026-11-03"), Err(WindowError::Future));
        assert_eq!(window("2025-01-01", "2026-11-01"), Err(WindowError::TooLong));
    }
}

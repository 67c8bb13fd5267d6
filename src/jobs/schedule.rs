//! When a job is due: by the clock on the wall, or every so many seconds.

use std::fmt;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use croner::Cron;

/// When a job is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// By a cron pattern with seconds, in the billing time zone.
    Cron(&'static str),
    /// Every so many seconds, counted from 1970 so that all replicas agree.
    Every(u32),
}

impl Schedule {
    /// Midnight in the billing time zone.
    pub const MIDNIGHT: Schedule = Schedule::Cron("0 0 0 * * *");

    /// The last due time at or before `now`.
    pub fn last_due(self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        match self {
            Self::Every(seconds) => {
                let step = i64::from(seconds.max(1));
                DateTime::from_timestamp(now.timestamp().div_euclid(step) * step, 0)
            }
            Self::Cron(pattern) => {
                let found = parse(pattern)?.find_previous_occurrence(&now.with_timezone(&zone), true).ok()?;
                Some(found.with_timezone(&Utc))
            }
        }
    }

    /// How long after a due time its run may take to end before somebody should look.
    pub fn margin(self) -> Duration {
        match self {
            Self::Every(seconds) => Duration::seconds(i64::from(seconds) * 2).max(Duration::minutes(10)),
            Self::Cron(_) => Duration::hours(1),
        }
    }

    /// The first due time after `now`.
    pub fn next_due(self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        match self {
            Self::Every(seconds) => {
                let last = self.last_due(now, zone)?;
                last.checked_add_signed(Duration::seconds(i64::from(seconds.max(1))))
            }
            Self::Cron(pattern) => {
                let found = parse(pattern)?.find_next_occurrence(&now.with_timezone(&zone), false).ok()?;
                Some(found.with_timezone(&Utc))
            }
        }
    }
}

fn parse(pattern: &str) -> Option<Cron> {
    croner::parser::CronParser::builder()
        .seconds(croner::parser::Seconds::Required)
        .build()
        .parse(pattern)
        .ok()
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(pattern) => f.write_str(pattern),
            Self::Every(seconds) => write!(f, "every {seconds} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Asia::Seoul;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn midnight_is_seouls_and_its_own_instant_is_due() {
        let midnight = at("2026-01-31T15:00:00Z");
        let before = midnight - Duration::microseconds(1);
        assert_eq!(Schedule::MIDNIGHT.last_due(midnight, Seoul), Some(midnight));
        assert_eq!(Schedule::MIDNIGHT.last_due(before, Seoul), Some(midnight - Duration::days(1)));
        assert_eq!(Schedule::MIDNIGHT.next_due(before, Seoul), Some(midnight));
        assert_eq!(Schedule::MIDNIGHT.next_due(midnight, Seoul), Some(midnight + Duration::days(1)));
    }

    #[test]
    fn an_interval_is_due_at_the_same_instants_everywhere() {
        let now = at("2026-01-31T15:00:07.5Z");
        assert_eq!(Schedule::Every(10).last_due(now, Seoul), Some(at("2026-01-31T15:00:00Z")));
        assert_eq!(Schedule::Every(10).next_due(now, Seoul), Some(at("2026-01-31T15:00:10Z")));
    }
}

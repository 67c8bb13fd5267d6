//! When a job is due: by the clock on the wall, or every so many seconds.

use std::fmt;

use chrono::{DateTime, Days, Duration, NaiveTime, Utc};
use chrono_tz::Tz;

use crate::subscriptions::calendar::resolve;

/// When a job is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Once on every day of the billing time zone, when clocks there show this time of day first, or have passed it where
    /// they skip it.
    Daily {
        /// 0 to 23.
        hour: u8,
        /// 0 to 59.
        minute: u8,
    },
    /// Every so many seconds, counted from 1970 so that all replicas agree.
    Every(u32),
}

impl Schedule {
    /// Midnight in the billing time zone.
    pub const MIDNIGHT: Schedule = Schedule::Daily { hour: 0, minute: 0 };

    /// The last due time at or before `now`.
    pub fn last_due(self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        match self {
            Self::Every(seconds) => {
                let step = i64::from(seconds.max(1));
                DateTime::from_timestamp(now.timestamp().div_euclid(step) * step, 0)
            }
            Self::Daily { hour, minute } => {
                daily(hour, minute, now, zone).into_iter().rev().find(|due| *due <= now)
            }
        }
    }

    /// How long after a due time its run may take to end before somebody should look.
    pub fn margin(self) -> Duration {
        match self {
            Self::Every(seconds) => Duration::seconds(i64::from(seconds) * 2).max(Duration::minutes(10)),
            Self::Daily { .. } => Duration::hours(1),
        }
    }

    /// The first due time after `now`.
    pub fn next_due(self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        match self {
            Self::Every(seconds) => {
                let last = self.last_due(now, zone)?;
                last.checked_add_signed(Duration::seconds(i64::from(seconds.max(1))))
            }
            Self::Daily { hour, minute } => daily(hour, minute, now, zone).into_iter().find(|due| *due > now),
        }
    }
}

/// The due times of the days around `now`, in order.
fn daily(hour: u8, minute: u8, now: DateTime<Utc>, zone: Tz) -> Vec<DateTime<Utc>> {
    let Some(time) = NaiveTime::from_hms_opt(hour.into(), minute.into(), 0) else { return Vec::new() };
    let today = now.with_timezone(&zone).date_naive();
    // Three days back and two ahead: a zone has skipped a whole day once, and may again.
    let first = today.checked_sub_days(Days::new(3)).unwrap_or(today);
    first.iter_days().take(6).filter_map(|day| resolve(day.and_time(time), zone)).collect()
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daily { hour, minute } => write!(f, "0 {minute} {hour} * * *"),
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

    /// Zones whose clocks skip or repeat an hour, most of them at midnight itself, and Apia, which once skipped a day.
    #[test]
    fn every_local_day_has_one_midnight_also_where_clocks_are_moved() {
        let zones = [
            (chrono_tz::America::New_York, 2026, 365),
            (chrono_tz::America::Santiago, 2026, 365),
            (chrono_tz::Africa::Cairo, 2026, 365),
            (chrono_tz::America::Havana, 2026, 365),
            (chrono_tz::Pacific::Apia, 2011, 365),
        ];
        for (zone, year, days) in zones {
            let mut due = Schedule::MIDNIGHT
                .last_due(at(&format!("{year}-01-01T12:00:00Z")), zone)
                .expect("a midnight");
            let end = due + Duration::days(365);
            let mut seen = std::collections::BTreeSet::new();
            while due < end {
                let local = due.with_timezone(&zone);
                assert!(seen.insert(local.date_naive()), "{zone}: {local} has a second midnight");
                let next = Schedule::MIDNIGHT.next_due(due, zone).expect("a midnight");
                assert!(next > due, "{zone}: {next} follows {due}");
                for between in [due, due + (next - due) / 2, next - Duration::microseconds(1)] {
                    assert_eq!(Schedule::MIDNIGHT.last_due(between, zone), Some(due), "{zone} at {between}");
                    assert_eq!(Schedule::MIDNIGHT.next_due(between, zone), Some(next), "{zone} at {between}");
                }
                due = next;
            }
            assert_eq!(seen.len(), days, "{zone}");
        }
    }

    #[test]
    fn an_interval_is_due_at_the_same_instants_everywhere() {
        let now = at("2026-01-31T15:00:07.5Z");
        assert_eq!(Schedule::Every(10).last_due(now, Seoul), Some(at("2026-01-31T15:00:00Z")));
        assert_eq!(Schedule::Every(10).next_due(now, Seoul), Some(at("2026-01-31T15:00:10Z")));
    }
}

//! Calendar months in a time zone: a day that does not exist becomes the month's last day.

use chrono::{DateTime, Datelike, Duration, Months, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

/// `months` calendar months after `origin`, as clocks and calendars in `zone` show it. Counting every end from the
/// same origin is what remembers its day: 31 Jan → 28 Feb → 31 Mar. None beyond the calendar's end.
pub fn add_months(origin: DateTime<Utc>, months: u32, zone: Tz) -> Option<DateTime<Utc>> {
    let local = origin.with_timezone(&zone).naive_local();
    let moved = local.checked_add_months(Months::new(months))?;
    resolve(moved, zone)
}

/// The first instant at which clocks in `zone` show `local`, or have passed it where they skip it.
pub(crate) fn resolve(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    // No zone has ever skipped more than a day.
    (0..=96).find_map(|quarters| {
        let shown = local.checked_add_signed(Duration::minutes(15 * quarters))?;
        zone.from_local_datetime(&shown).earliest().map(|at| at.with_timezone(&Utc))
    })
}

/// The day of the month that clocks in `zone` show at `instant`.
pub fn day_of_month(instant: DateTime<Utc>, zone: Tz) -> u32 {
    instant.with_timezone(&zone).day()
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;
    use chrono_tz::Asia::Seoul;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_month_is_counted_in_seoul_not_in_utc() {
        // 2026-01-31 00:30 in Seoul is still 30 January in UTC.
        let origin = at("2026-01-30T15:30:00Z");
        assert_eq!(add_months(origin, 1, Seoul), Some(at("2026-02-27T15:30:00Z")));
        assert_eq!(add_months(origin, 2, Seoul), Some(at("2026-03-30T15:30:00Z")));
    }

    #[test]
    fn a_leap_day_comes_back_only_in_leap_years() {
        let origin = at("2028-02-29T03:00:00Z");
        assert_eq!(add_months(origin, 12, Seoul), Some(at("2029-02-28T03:00:00Z")));
        assert_eq!(add_months(origin, 48, Seoul), Some(at("2032-02-29T03:00:00Z")));
    }

    #[test]
    fn an_hour_that_clocks_skip_becomes_the_next_that_exists() {
        // New York skips 02:00 to 03:00 on 2026-03-08; one month later 02:30 exists again.
        let origin = at("2026-02-08T07:30:00Z");
        assert_eq!(add_months(origin, 1, New_York), Some(at("2026-03-08T07:00:00Z")));
        assert_eq!(add_months(origin, 2, New_York), Some(at("2026-04-08T06:30:00Z")));
    }

    proptest! {
        #[test]
        // From 1989 on, clocks in Seoul have never been changed.
        fn successive_ends_never_drift_from_the_anchor(seconds in 600_000_000_i64..4_000_000_000, months in 1_u32..120) {
            let origin = DateTime::from_timestamp(seconds, 0).expect("in range");
            let anchor = day_of_month(origin, Seoul);
            let mut previous = origin;
            for month in 1..=months {
                let end = add_months(origin, month, Seoul).expect("in range");
                prop_assert!(end > previous);
                let local = end.with_timezone(&Seoul);
                let next_day = local.checked_add_signed(Duration::days(1)).expect("in range");
                let last_of_month = next_day.day() == 1;
                prop_assert!(local.day() == anchor || (local.day() < anchor && last_of_month));
                prop_assert_eq!(local.time(), origin.with_timezone(&Seoul).time());
                previous = end;
            }
        }
    }
}

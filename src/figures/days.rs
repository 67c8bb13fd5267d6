//! The days that figures are about, as clocks in the billing time zone show them.

use chrono::{DateTime, Days as Count, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use sea_orm::{DbBackend, Statement, Value};

use crate::subscriptions::calendar::resolve;

/// Days that one look takes in at most.
const MOST_DAYS: usize = 366;

/// Some days that follow each other, with the instants at which they begin and end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Days(Vec<Day>);

/// One day: `[since, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Day {
    /// The day.
    pub date: NaiveDate,
    /// First instant inside.
    since: DateTime<Utc>,
    /// First instant after.
    until: DateTime<Utc>,
}

/// Why days make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DaysError {
    /// The last day comes before the first.
    #[error("the last day comes before the first")]
    Backwards,
    /// More days than one look takes in.
    #[error("at most {MOST_DAYS} days can be looked at at once")]
    TooMany,
    /// A day that no calendar has.
    #[error("a day lies beyond the calendar")]
    Beyond,
}

impl Days {
    /// From `first` to `last`, both inside; at most 366. A day may lie in the future: nothing has happened there.
    ///
    /// # Errors
    /// [`DaysError`].
    pub fn between(first: NaiveDate, last: NaiveDate, zone: Tz) -> Result<Self, DaysError> {
        if last < first {
            return Err(DaysError::Backwards);
        }
        let dates: Vec<NaiveDate> =
            first.iter_days().take_while(|day| *day <= last).take(MOST_DAYS + 1).collect();
        if dates.is_empty() {
            // The calendar's very last day, which no other follows.
            return Err(DaysError::Beyond);
        }
        if dates.len() > MOST_DAYS {
            return Err(DaysError::TooMany);
        }
        let day = |date: NaiveDate| {
            let (since, until) = (midnight(date, zone)?, midnight(date.succ_opt()?, zone)?);
            Some(Day { date, since, until })
        };
        dates.into_iter().map(day).collect::<Option<Vec<Day>>>().map(Self).ok_or(DaysError::Beyond)
    }

    /// The `number` days that end with the one that clocks in `zone` show at `now`; at least one, at most 366.
    ///
    /// # Errors
    /// [`DaysError`].
    pub fn last(number: u32, zone: Tz, now: DateTime<Utc>) -> Result<Self, DaysError> {
        let today = now.with_timezone(&zone).date_naive();
        let before = Count::new(u64::from(number.max(1)) - 1);
        let first = today.checked_sub_days(before).ok_or(DaysError::Beyond)?;
        Self::between(first, today, zone)
    }

    /// The first day.
    pub fn first(&self) -> NaiveDate {
        self.0.first().map(|day| day.date).unwrap_or_default()
    }

    /// The last day.
    pub fn last_day(&self) -> NaiveDate {
        self.0.last().map(|day| day.date).unwrap_or_default()
    }

    /// First instant of the first day.
    pub fn since(&self) -> DateTime<Utc> {
        self.0.first().map(|day| day.since).unwrap_or_default()
    }

    /// First instant after the last day.
    pub fn until(&self) -> DateTime<Utc> {
        self.0.last().map(|day| day.until).unwrap_or_default()
    }

    /// One thing for each day, in the order of time.
    pub(super) fn map<T>(&self, of: impl FnMut(NaiveDate) -> T) -> Vec<T> {
        self.0.iter().map(|day| day.date).map(of).collect()
    }

    /// `body` as a statement that can read the days as `local_day (n, since, until)`, where `n` counts from 0. Its own
    /// `values` are the first placeholders. Borders come from the calendar of the zone, so a day of 23 hours is one.
    pub(super) fn statement(&self, backend: DbBackend, body: &str, values: Vec<Value>) -> Statement {
        let (mut rows, mut values) = (Vec::with_capacity(self.0.len()), values);
        for (n, day) in (0i64..).zip(&self.0) {
            let at = values.len() + 1;
            rows.push(format!("(${at}, ${}, ${})", at + 1, at + 2));
            values.extend([n.into(), day.since.into(), day.until.into()]);
        }
        let sql = format!("WITH local_day (n, since, until) AS (VALUES {}) {body}", rows.join(", "));
        Statement::from_sql_and_values(backend, sql, values)
    }
}

/// The first instant of `day` in `zone`.
fn midnight(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    resolve(day.and_time(NaiveTime::MIN), zone)
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;
    use chrono_tz::Asia::Seoul;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn days_end_with_the_local_today() {
        // Already the 22nd in Seoul.
        let days = Days::last(2, Seoul, at("2026-11-21T15:00:00Z")).expect("days");
        assert_eq!((days.first(), days.last_day()), (day("2026-11-21"), day("2026-11-22")));
        assert_eq!((days.since(), days.until()), (at("2026-11-20T15:00:00Z"), at("2026-11-22T15:00:00Z")));
    }

    #[test]
    fn days_of_23_and_25_hours_are_one_each() {
        let spring = Days::between(day("2026-03-08"), day("2026-03-08"), New_York).expect("days");
        assert_eq!((spring.until() - spring.since()).num_hours(), 23);
        let autumn = Days::between(day("2026-11-01"), day("2026-11-01"), New_York).expect("days");
        assert_eq!((autumn.until() - autumn.since()).num_hours(), 25);
    }

    #[test]
    fn a_leap_year_fits_and_a_day_more_does_not() {
        let days = |last| Days::between(day("2028-01-01"), day(last), Seoul);
        assert_eq!(days("2028-12-31").expect("days").map(|_| ()).len(), 366);
        assert_eq!(days("2029-01-01"), Err(DaysError::TooMany));
        assert_eq!(days("2027-12-31"), Err(DaysError::Backwards));
        assert_eq!(Days::between(day("2028-01-01"), NaiveDate::MAX, Seoul), Err(DaysError::TooMany));
        assert_eq!(Days::between(NaiveDate::MAX, NaiveDate::MAX, Seoul), Err(DaysError::Beyond));
    }
}

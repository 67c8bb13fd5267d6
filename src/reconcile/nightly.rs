//! The nightly comparison: the last days, and whatever no earlier run has come to.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use entity::job_run::{self, JobRunStatus};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};

use super::run::{Options, reconcile};
use super::window::{Window, midnight};
use crate::app::App;
use crate::jobs::{self, Job, Worked};

/// Days that are always compared, for what Toss books late.
const LAST_DAYS: Duration = Duration::days(3);
/// How much of what the last run has compared is compared again.
const OVERLAP: Duration = Duration::days(1);
/// How far back a run goes after a long pause; beyond it, `gudok reconcile` is for people.
const FURTHEST: Duration = Duration::days(31);

/// Compares up to `now` what has not been compared, and the last days anyhow, and counts the payments that it repairs.
///
/// # Errors
/// The database's own, and whatever kept the run from its end; what it found before is kept.
pub(crate) async fn nightly(
    app: &App,
    now: DateTime<Utc>,
    progress: &jobs::Progress,
) -> Result<Worked, DbErr> {
    // A run compares up to the instant at which it starts.
    let last = job_run::Entity::find()
        .filter(job_run::Column::Name.eq(Job::Reconcile.name()))
        .filter(job_run::Column::Status.eq(JobRunStatus::Done))
        .order_by_desc(job_run::Column::ScheduledFor)
        .one(app.db.read())
        .await?;
    let window = window(last.map(|run| run.started_at), app.config.billing.timezone, now);
    let report = reconcile(app, window, Options::default(), &|_| {}).await;
    progress.add(report.repaired);
    match report.failure {
        Some(_) if app.stopping.is_cancelled() => Ok(Worked::InPart),
        Some(reason) => Err(DbErr::Custom(reason)),
        None => Ok(Worked::Whole),
    }
}

fn window(compared_to: Option<DateTime<Utc>>, zone: Tz, now: DateTime<Utc>) -> Window {
    let usual = now - LAST_DAYS;
    let from = compared_to.map_or(usual, |to| usual.min(to - OVERLAP)).max(now - FURTHEST);
    // Whole days, so that the same ones are compared whenever it runs.
    let day = from.with_timezone(&zone).date_naive();
    Window { from: midnight(day, zone).unwrap_or(from), to: now }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Asia::Seoul;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn the_last_three_days_are_compared_and_after_a_pause_all_of_it() {
        let now = at("2026-11-20T19:30:00Z");
        let from = |last: Option<&str>| window(last.map(at), Seoul, now).from;
        // 04:30 on the 21st in Seoul.
        assert_eq!(from(None), at("2026-11-17T15:00:00Z"));
        assert_eq!(from(Some("2026-11-19T19:30:00Z")), at("2026-11-17T15:00:00Z"));
        assert_eq!(from(Some("2026-11-10T19:30:00Z")), at("2026-11-09T15:00:00Z"));
        assert_eq!(from(Some("2026-01-01T00:00:00Z")), at("2026-10-20T15:00:00Z"));
        assert_eq!(window(None, Seoul, now).to, now);
    }
}

//! How every job stands: when it last ended, since when it fails, since when it is overdue.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::job_run::{self, JobRunStatus};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, Select};

use super::{Job, Schedule};

/// How a job stands.
#[derive(Clone, Debug)]
pub struct JobStanding {
    /// The job.
    pub job: Job,
    /// The last run that ended, well or badly.
    pub last_finished: Option<job_run::Model>,
    /// The last run that did its work.
    pub last_done: Option<job_run::Model>,
    /// The due time of the first run that failed since one has done its work; none while the last one did.
    pub failing_since: Option<DateTime<Utc>>,
    /// Whether a process runs it.
    pub is_running: bool,
}

/// How every job stands at `now`.
///
/// # Errors
/// The database's own.
pub async fn standings(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<JobStanding>, DbErr> {
    let running = job_run::Entity::find()
        // Said in SQL, since no partial index answers what is only bound.
        .filter(Expr::cust("status = 'RUNNING'"))
        .filter(job_run::Column::LeaseUntil.gt(now))
        .all(db)
        .await?;
    let mut standings = Vec::with_capacity(Job::ALL.len());
    for job in Job::ALL {
        let newest = || of(job).order_by_desc(job_run::Column::ScheduledFor);
        let last_finished =
            newest().filter(job_run::Column::Status.ne(JobRunStatus::Running)).one(db).await?;
        let failed = last_finished.as_ref().is_some_and(|run| run.status == JobRunStatus::Failed);
        // Mostly it is the one that ended last, and nothing more is read.
        let last_done = if failed {
            newest().filter(job_run::Column::Status.eq(JobRunStatus::Done)).one(db).await?
        } else {
            last_finished.clone()
        };
        let failing_since = if failed { first_failure(db, job, last_done.as_ref()).await? } else { None };
        let is_running = running.iter().any(|run| run.name == job.name());
        standings.push(JobStanding { job, last_finished, last_done, failing_since, is_running });
    }
    Ok(standings)
}

impl JobStanding {
    /// The due time, long past, that no run has served or tried to; none when none was missed.
    pub fn overdue_since(&self, schedule: Schedule, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let due = schedule.last_due(now - schedule.margin(), zone)?;
        match &self.last_finished {
            Some(run) if run.scheduled_for >= due => None,
            Some(run) => schedule.next_due(run.scheduled_for, zone),
            None => Some(due),
        }
    }
}

fn of(job: Job) -> Select<job_run::Entity> {
    job_run::Entity::find().filter(job_run::Column::Name.eq(job.name()))
}

async fn first_failure(
    db: &impl ConnectionTrait,
    job: Job,
    last_done: Option<&job_run::Model>,
) -> Result<Option<DateTime<Utc>>, DbErr> {
    let mut failed = of(job).filter(job_run::Column::Status.eq(JobRunStatus::Failed));
    if let Some(done) = last_done {
        failed = failed.filter(job_run::Column::ScheduledFor.gt(done.scheduled_for));
    }
    let first = failed.order_by_asc(job_run::Column::ScheduledFor).one(db).await?;
    Ok(first.map(|run| run.scheduled_for))
}

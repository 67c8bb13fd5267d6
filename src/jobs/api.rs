//! Jobs over HTTP, and as the command line prints them.

use entity::job_run::{self, JobRunStatus};
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::{Enum, Object, OpenApi};

use super::{Job, RunError, list, run_now};
use crate::app::App;
use crate::auth::Caller;
use crate::http::Tag;
use crate::http::body::Json;
use crate::http::code::{AUTH, Code, INPUT, KEYED};
use crate::http::error::{Answer, ApiError, refusals};
use crate::http::idempotency::Keyed;
use crate::http::nullable::Nullable;
use crate::http::page::PageRequest;
use crate::http::time::Instant;

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "JobRunStatus", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Standing {
    /// It runs.
    Running,
    /// It did its work.
    Done,
    /// It failed, or its process was lost.
    Failed,
}

/// One run of a job.
#[derive(Clone, Debug, Object)]
#[oai(rename = "JobRun", rename_all = "camelCase")]
pub struct RunView {
    /// The job's name.
    pub name: String,
    /// The due time that it serves; of a run by hand, when it was asked for.
    pub scheduled_for: Instant,
    /// When it began.
    pub started_at: Instant,
    /// When it ended; null while it runs.
    pub finished_at: Nullable<Instant>,
    /// How it stands.
    pub status: Standing,
    /// How many rows it changed so far.
    pub affected: i64,
    /// How many rows there were to change; null where that is not known beforehand.
    pub total: Nullable<i64>,
}

impl From<job_run::Model> for RunView {
    fn from(run: job_run::Model) -> Self {
        let status = match run.status {
            JobRunStatus::Running => Standing::Running,
            JobRunStatus::Done => Standing::Done,
            JobRunStatus::Failed => Standing::Failed,
        };
        Self {
            name: run.name,
            scheduled_for: run.scheduled_for.into(),
            started_at: run.started_at.into(),
            finished_at: run.finished_at.map(Instant::from).into(),
            status,
            affected: run.affected,
            total: run.total.into(),
        }
    }
}

/// A job.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Job", rename_all = "camelCase")]
pub struct JobView {
    /// Its name.
    pub name: String,
    /// When it is due: a cron pattern with seconds, or an interval.
    pub schedule: String,
    /// The time zone of the pattern.
    pub timezone: String,
    /// The run that began last; null before the first.
    pub last_run: Nullable<RunView>,
    /// The next due time; null when this process runs nothing by schedule.
    pub next_run_at: Nullable<Instant>,
}

/// All jobs.
#[derive(Clone, Debug, Object)]
pub struct JobList {
    /// The jobs.
    pub items: Vec<JobView>,
}

/// One page of runs, newest first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RunPage {
    /// The runs.
    pub items: Vec<RunView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Nullable<String>,
}

refusals! {
    /// Listing jobs.
    ListRefusals = [AUTH];
    /// Running a job.
    RunRefusals = [AUTH, KEYED, &[Code::JobNotFound, Code::JobRunning]];
    /// Listing runs.
    RunsRefusals = [INPUT, AUTH, &[Code::JobNotFound]];
}

impl From<RunError> for ApiError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Running => Code::JobRunning.into(),
            RunError::Claim(error) => error.into(),
            RunError::Database(error) => error.into(),
        }
    }
}

/// Jobs.
#[derive(Clone, Copy, Debug, Default)]
pub struct JobsApi;

#[OpenApi(prefix_path = "/v1", tag = "Tag::Jobs")]
impl JobsApi {
    /// List jobs
    ///
    /// Role `admin`.
    #[oai(path = "/jobs", method = "get", operation_id = "listJobs")]
    async fn list(&self, caller: Caller, app: Data<&App>) -> Answer<Json<JobList>, ListRefusals> {
        caller.admin()?;
        let (now, zone) = (app.clock.now(), app.config.billing.timezone);
        let mut items = Vec::with_capacity(Job::ALL.len());
        for job in Job::ALL {
            let schedule = job.schedule(&app);
            items.push(JobView {
                name: job.name().to_owned(),
                schedule: schedule.to_string(),
                timezone: zone.to_string(),
                last_run: list::last_run(app.db.read(), job).await?.map(RunView::from).into(),
                next_run_at: schedule
                    .next_due(now, zone)
                    .filter(|_| app.config.scheduler.enabled)
                    .map(Instant::from)
                    .into(),
            });
        }
        Ok(Json(JobList { items }))
    }

    /// Run a job
    ///
    /// At once; answered when it has ended. Role `admin`.
    #[oai(path = "/jobs/:name/run", method = "post", operation_id = "runJob")]
    async fn run(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// The job's name.
        name: Path<String>,
        /// 1 to 255 printable ASCII characters that the caller makes up for this one request. For a day, the same request
        /// with the same key is done once; a repeat gets the first answer again, with `Idempotency-Replayed: true`.
        #[oai(name = "Idempotency-Key")]
        key: Keyed,
    ) -> Answer<Json<RunView>, RunRefusals> {
        caller.admin()?;
        let job = Job::named(&name.0).ok_or(Code::JobNotFound)?;
        let run = match key.made()? {
            Some(id) => list::run(app.db.read(), id).await?.ok_or(Code::Internal)?,
            None => run_now(&app, job, (&caller.actor(), key.claim().as_ref()), app.clock.now()).await?,
        };
        Ok(Json(run.into()))
    }

    /// List the runs of a job
    ///
    /// Newest first. Role `admin`.
    #[oai(path = "/jobs/:name/runs", method = "get", operation_id = "listJobRuns")]
    async fn runs(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// The job's name.
        name: Path<String>,
        /// Rows on the page, 1 to 100; 20 unless said otherwise.
        limit: Query<Option<u32>>,
        /// `nextCursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Json<RunPage>, RunsRefusals> {
        caller.admin()?;
        let job = Job::named(&name.0).ok_or(Code::JobNotFound)?;
        let page = PageRequest::parse("job-runs", limit.0, cursor.0.as_deref())?;
        let page = list::runs(app.db.read(), job, &page).await?.map(RunView::from);
        Ok(Json(RunPage { items: page.items, next_cursor: page.next_cursor.into() }))
    }
}

//! Runs jobs: those that are due, or one by hand.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::JobRunId;
use entity::job_run::{self, JobRunStatus};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};
use tracing::Instrument;

use super::{Job, Schedule, record};
use crate::app::App;
use crate::audit::Actor;
use crate::db::is_unavailable;
use crate::idempotency::{Claim, ClaimError};

/// How often a runner tells that it lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// Why a job does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It runs already, here or elsewhere.
    #[error("the job is running already")]
    Running,
    /// The caller's key allows no run any more.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Runs `job` at once, because `actor` wants it, under the caller's `claim` if there is one, and returns its run, whose status tells how it went,
/// or that it still goes on after `server.answer_within_ms`.
///
/// # Errors
/// [`RunError`].
pub async fn run_now(
    app: &App,
    job: Job,
    (actor, claim): (&Actor, Option<&Claim>),
    now: DateTime<Utc>,
) -> Result<job_run::Model, RunError> {
    let run = record::begin_now(app, job, (actor, claim), now).await?;
    // A task of its own: a caller that hangs up does not cut the job off.
    let (worker, begun) = (app.clone(), run.clone());
    let task = app.tasks.spawn(async move { carry_out(&worker, job, run, now).await }.in_current_span());
    match tokio::time::timeout(app.config.server.answer_within(), task).await {
        Ok(finished) => {
            Ok(finished.map_err(|broken| DbErr::Custom(format!("the job broke off: {broken}")))??)
        }
        Err(_late) => Ok(begun),
    }
}

/// Runs `job` at once, because `actor` wants it, and returns its finished run, whose status tells how it went.
///
/// # Errors
/// [`RunError`].
pub async fn run_to_end(
    app: &App,
    job: Job,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<job_run::Model, RunError> {
    let run = record::begin_now(app, job, (actor, None), now).await?;
    Ok(carry_out(app, job, run, now).await?)
}

/// Runs `job` if its last due time has no finished run: one run however many due times were missed.
///
/// # Errors
/// The database's own.
pub async fn run_due(app: &App, job: Job, now: DateTime<Utc>) -> Result<Option<job_run::Model>, DbErr> {
    let Some(due) = job.schedule(app).last_due(now, app.config.billing.timezone) else { return Ok(None) };
    let known = job_run::Entity::find()
        .filter(job_run::Column::Name.eq(job.name()))
        .filter(job_run::Column::ScheduledFor.eq(due))
        .one(app.db.read())
        .await?;
    // Most ticks end here, without a write.
    let settled = known.is_some_and(|run| match run.status {
        JobRunStatus::Done => true,
        JobRunStatus::Running => run.lease_until > now,
        JobRunStatus::Failed => false,
    });
    if settled {
        return Ok(None);
    }
    match record::begin(app, job, due, now).await? {
        Some(run) => carry_out(app, job, run, now).await.map(Some),
        None => Ok(None),
    }
}

/// Works under a lease that is renewed, and writes down how it went.
async fn carry_out(
    app: &App,
    job: Job,
    run: job_run::Model,
    now: DateTime<Utc>,
) -> Result<job_run::Model, DbErr> {
    let span = tracing::info_span!("job", name = job.name());
    async {
        let id = run.id;
        let outcome = tokio::select! {
            outcome = job.work(app, now) => outcome,
            never = signs_of_life(app, id) => never,
        };
        match &outcome {
            Ok(0) => tracing::debug!("nothing to do"),
            Ok(affected) => tracing::info!(affected, "done"),
            Err(error) if is_unavailable(error) => tracing::warn!(%error, "failed; it will be tried again"),
            Err(error) => tracing::error!(%error, "needs a person: the job failed"),
        }
        app.metrics.ran(job, outcome.is_ok());
        let finished = record::finish(app, run, &outcome, app.clock.now()).await?;
        if matches!(job.schedule(app), Schedule::Every(_))
            && let Err(error) = record::prune(app, job, now).await
        {
            tracing::warn!(%error, "old runs could not be forgotten");
        }
        Ok(finished)
    }
    .instrument(span)
    .await
}

/// Renews the lease beside the work for as long as the work goes on; it never ends by itself.
async fn signs_of_life<T>(app: &App, id: JobRunId) -> T {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        if let Err(error) = record::renew(app, id, app.clock.now()).await {
            tracing::warn!(%error, "the lease could not be renewed");
        }
    }
}

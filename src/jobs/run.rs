//! Runs jobs: those that are due, or one by hand.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::job_run::{self, JobRunStatus};
use futures_util::FutureExt;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};
use tracing::Instrument;

use super::record::{self, AHEAD, LEASE};
use super::{Job, Progress, Schedule, Worked};
use crate::app::App;
use crate::audit::Actor;
use crate::db::{is_unavailable, took_too_long};
use crate::idempotency::{Claim, ClaimError};

/// How often a runner tells that it lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
/// How long nightly work may take to stop by itself.
const GRACE: Duration = Duration::from_secs(5);
/// What a run by hand failed of that its process could not finish.
const STOPPED: &str = "its process was asked to stop";

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
    let task = app.tasks.spawn(
        async move { Mission::by_hand(job, &run).carry_out(&worker, run, now).await }.in_current_span(),
    );
    match tokio::time::timeout(app.config.server.answer_within(), task).await {
        Ok(finished) => {
            Ok(finished.map_err(|broken| DbErr::Custom(format!("the job broke off: {broken}")))??)
        }
        Err(_late) => Ok(begun),
    }
}

/// Runs `job` at once, because `actor` wants it, and returns its finished run, whose status tells how it went. `begun`
/// hears beforehand where to watch how far it has come.
///
/// # Errors
/// [`RunError`].
pub async fn run_to_end(
    app: &App,
    job: Job,
    (actor, begun): (&Actor, impl FnOnce(Progress)),
    now: DateTime<Utc>,
) -> Result<job_run::Model, RunError> {
    let run = record::begin_now(app, job, (actor, None), now).await?;
    let mission = Mission::by_hand(job, &run);
    begun(mission.progress.clone());
    Ok(mission.carry_out(app, run, now).await?)
}

/// Runs `job` if its last due time has no finished run: one run however many due times were missed.
///
/// # Errors
/// The database's own.
pub async fn run_due(app: &App, job: Job, now: DateTime<Utc>) -> Result<Option<job_run::Model>, DbErr> {
    let Some(due) = job.schedule(app).last_due(now, app.config.billing.timezone) else { return Ok(None) };
    if matches!(job.schedule(app), Schedule::Every(_)) {
        record::forget_the_future(app, job, due, now).await?;
    }
    let known = job_run::Entity::find()
        .filter(job_run::Column::Name.eq(job.name()))
        .filter(job_run::Column::ScheduledFor.eq(due))
        .one(app.db.read())
        .await?;
    // Most ticks end here, without a write.
    let settled = known.is_some_and(|run| match run.status {
        // Done by a clock that was ahead is not done: what has become due since was not seen.
        JobRunStatus::Done => run.finished_at.is_none_or(|at| at <= now + AHEAD),
        JobRunStatus::Running => run.lease_until > now && run.lease_until <= now + LEASE + AHEAD,
        JobRunStatus::Failed => false,
    });
    if settled {
        return Ok(None);
    }
    match record::begin(app, job, due, now).await? {
        Some(run) => Mission::due(job, &run).carry_out(app, run, now).await.map(Some),
        None => Ok(None),
    }
}

/// One process's work on a run.
struct Mission {
    job: Job,
    progress: Progress,
    /// Whether another process goes on with it when this one stops.
    is_due: bool,
}

/// How that work ended.
enum End {
    Worked(Worked),
    Failed(DbErr),
    /// The run is another process's by now.
    TakenOver,
}

impl Mission {
    fn by_hand(job: Job, run: &job_run::Model) -> Self {
        Self { job, progress: Progress::from_row(run.affected, run.total), is_due: false }
    }

    fn due(job: Job, run: &job_run::Model) -> Self {
        Self { is_due: true, ..Self::by_hand(job, run) }
    }

    /// Works under a lease that is renewed, and writes down how it went.
    async fn carry_out(
        self,
        app: &App,
        run: job_run::Model,
        now: DateTime<Utc>,
    ) -> Result<job_run::Model, DbErr> {
        let span = tracing::info_span!("job", job = self.job.name());
        async {
            let end = tokio::select! {
                end = sheltered(self.job.work(app, now, &self.progress)) => end,
                () = self.signs_of_life(app, &run) => End::TakenOver,
                () = self.has_to_stop(app) => End::Worked(Worked::InPart),
            };
            let own = self.write_down(app, &run, &end).await?;
            if !own {
                tracing::warn!("another process has taken the run over");
            }
            if let Err(error) = record::prune(app, self.job, now).await {
                tracing::warn!(%error, "old runs could not be forgotten");
            }
            let ended = job_run::Entity::find_by_id(run.id).one(app.db.read()).await?;
            Ok(ended.unwrap_or(run))
        }
        .instrument(span)
        .await
    }

    /// Says whether the run was still its own.
    async fn write_down(&self, app: &App, run: &job_run::Model, end: &End) -> Result<bool, DbErr> {
        let (now, done) = (app.clock.now(), self.progress.done());
        match end {
            End::Worked(Worked::Whole) => {
                app.metrics.ran(self.job, true);
                match done {
                    0 => tracing::debug!("nothing to do"),
                    affected => tracing::info!(affected, "done"),
                }
                record::finish(app, run, (&self.progress, None), now).await
            }
            End::Worked(Worked::InPart) if self.is_due => {
                tracing::info!(affected = done, "handed over: this process stops");
                record::hand_over(app, run, &self.progress, now).await
            }
            End::Worked(Worked::InPart) => {
                app.metrics.ran(self.job, false);
                tracing::warn!(affected = done, "stopped in the middle; the next run does the rest");
                record::finish(app, run, (&self.progress, Some(STOPPED)), now).await
            }
            End::Failed(error) => {
                app.metrics.ran(self.job, false);
                if is_unavailable(error) && !took_too_long(error) {
                    tracing::warn!(%error, "failed; it will be tried again");
                } else {
                    tracing::error!(%error, "needs a person: the job failed");
                }
                record::finish(app, run, (&self.progress, Some(&error.to_string())), now).await
            }
            End::TakenOver => Ok(false),
        }
    }

    /// Renews the lease beside the work for as long as the run is this process's own. Work that is due again in seconds
    /// goes on even then: it may be in the middle of its questions to Toss.
    async fn signs_of_life(&self, app: &App, run: &job_run::Model) {
        loop {
            tokio::time::sleep(SIGN_OF_LIFE).await;
            let renewal = record::renew(app, run, &self.progress, app.clock.now());
            match self.progress.while_written(renewal).await {
                Ok(true) => {}
                Ok(false) => match self.job.schedule(app) {
                    Schedule::Every(_) => std::future::pending().await,
                    Schedule::Daily { .. } => return,
                },
                Err(error) => tracing::warn!(%error, "the lease could not be renewed"),
            }
        }
    }

    /// Ends when the process is to stop and the work has had time to come to a good place. Work that is due again in
    /// seconds is let finish.
    async fn has_to_stop(&self, app: &App) {
        match self.job.schedule(app) {
            Schedule::Every(_) => std::future::pending().await,
            Schedule::Daily { .. } => {
                app.draining.cancelled().await;
                tokio::time::sleep(GRACE).await;
            }
        }
    }
}

/// How `work` ends. A panic is a failure like others, which is told and rested from: were the run left as it is, the next
/// process would take it over at once and break the same way.
async fn sheltered(work: impl Future<Output = Result<Worked, DbErr>>) -> End {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(worked) => worked.map_or_else(End::Failed, End::Worked),
        Err(_panic) => End::Failed(DbErr::Custom("the work panicked".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_has_failed() {
        let end = sheltered(async { panic!("a bug") }).await;
        assert!(matches!(end, End::Failed(DbErr::Custom(why)) if why.contains("panicked")));
        assert!(matches!(sheltered(async { Ok(Worked::Whole) }).await, End::Worked(Worked::Whole)));
    }
}

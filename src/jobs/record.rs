//! The rows of `job_run`: who inserts one runs the job, and a run that lost its process is taken over.

use chrono::{DateTime, Duration, Utc};
use entity::job_run::{self, JobRunStatus};
use entity::{JobRunId, job_run as table};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, SimpleExpr};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};

use super::{Job, Progress, RunError, Schedule};
use crate::app::App;
use crate::audit::{self, Act, Action, Actor};
use crate::db::{Tx, transact};
use crate::idempotency::{self, Claim};

/// How long a runner is believed alive without a sign.
pub(super) const LEASE: Duration = Duration::seconds(10);
/// What a row says of a time further ahead than this was written by a clock that has been put right since.
pub(super) const AHEAD: Duration = Duration::minutes(1);
/// How long a failed run rests before it is tried again, of a job that is due every few seconds or minutes.
const REST: Duration = Duration::seconds(60);
/// The same, of one that asks Toss or reads all books: what fails for a reason would only fail again.
const LONG_REST: Duration = Duration::minutes(10);
/// How long the runs of jobs that are due every few seconds are kept.
const KEEP_INTERVAL_RUNS: Duration = Duration::days(7);
/// How long those of jobs that are due once a day are: so that the same days of two years can be compared.
const KEEP_DAILY_RUNS: Duration = Duration::days(400);
/// Runs that are forgotten at once: more than come between two times.
const FORGOTTEN_AT_ONCE: u64 = 100;

/// Begins the run of `job` for `scheduled_for`, unless it has been done, is being done, or failed a moment ago.
pub(super) async fn begin(
    app: &App,
    job: Job,
    scheduled_for: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<job_run::Model>, DbErr> {
    transact!(app.db, |tx| { begin_in(tx, job, scheduled_for, now).await })
}

/// Begins a run of `job` at once, because `actor` wants it, under the caller's `claim` if there is one.
pub(super) async fn begin_now(
    app: &App,
    job: Job,
    (actor, claim): (&Actor, Option<&Claim>),
    now: DateTime<Utc>,
) -> Result<job_run::Model, RunError> {
    transact!(app.db, |tx| {
        let run = begin_in(tx, job, now, now).await?.ok_or(RunError::Running)?;
        idempotency::made(tx, claim, &run.id).await?;
        let act = Act::new(Action::JobRun, job.name()).made(serde_json::json!({"runId": run.id.to_string()}));
        audit::write(tx, actor, &act, now).await?;
        Ok(run)
    })
}

async fn begin_in(
    tx: &Tx,
    job: Job,
    scheduled_for: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<job_run::Model>, DbErr> {
    bury_the_dead(tx, job, scheduled_for, now).await?;
    let run = table::Model {
        id: JobRunId::new(),
        name: job.name().to_owned(),
        scheduled_for,
        started_at: now,
        finished_at: None,
        status: JobRunStatus::Running,
        affected: 0,
        total: None,
        attempt: 1,
        lease_until: now + LEASE,
        error: None,
    };
    // Either unique key may object: this due time has its row, or another run of the job is under way.
    let inserted = table::Entity::insert(run.clone().into_active_model())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    if inserted == 1 {
        return Ok(Some(run));
    }
    let rest = match job {
        Job::Reconcile | Job::Check => LONG_REST,
        Job::ExpireSubscriptions
        | Job::SettlePayments
        | Job::PurgeTempOrders
        | Job::ProcessWebhooks
        | Job::PurgeWebhooks
        | Job::PurgeIdempotencyKeys => REST,
    };
    take_over(tx, job, (scheduled_for, rest), now).await
}

/// The runner has given no sign for too long, or its lease cannot be believed.
fn is_lost(now: DateTime<Utc>) -> SimpleExpr {
    let until = table::Column::LeaseUntil;
    // Said in SQL, since no partial index answers what is only bound.
    Expr::cust("status = 'RUNNING'").and(until.lte(now).or(until.gt(now + LEASE + AHEAD)))
}

/// Runs of other due times whose process is gone must not block this one.
async fn bury_the_dead(
    tx: &Tx,
    job: Job,
    scheduled_for: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    table::Entity::update_many()
        .col_expr(table::Column::Status, Expr::value(JobRunStatus::Failed))
        .col_expr(table::Column::FinishedAt, Expr::value(now))
        .col_expr(table::Column::Error, Expr::value("its process was lost"))
        .filter(table::Column::Name.eq(job.name()))
        .filter(is_lost(now))
        .filter(table::Column::ScheduledFor.ne(scheduled_for))
        .exec(tx)
        .await
        .map(drop)
}

/// Takes out the runs of `job`, which is due every few seconds, from `due` on, where the newest of them lies ahead of
/// `now`: the clock was put back, and they would keep the job from running until it has come there again.
pub(super) async fn forget_the_future(
    app: &App,
    job: Job,
    due: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let own = table::Column::Name.eq(job.name());
    let newest = table::Entity::find()
        .filter(own.clone())
        .order_by_desc(table::Column::ScheduledFor)
        .one(app.db.read())
        .await?;
    if newest.is_none_or(|run| run.scheduled_for <= now + AHEAD) {
        return Ok(());
    }
    tracing::warn!(
        job = job.name(),
        "runs lie ahead of the clock: was it put back, or is another process's ahead?"
    );
    transact!(app.db, |tx| {
        let ahead = table::Entity::delete_many()
            .filter(own.clone())
            .filter(table::Column::ScheduledFor.gte(due))
            .filter(table::Column::Status.ne(JobRunStatus::Running));
        ahead.exec(tx).await.map(drop)
    })
}

/// Continues the run of the same due time if its process is gone or has handed it over, tries it again if it failed a
/// while ago, and does it again if it was done by a clock that was ahead.
async fn take_over(
    tx: &Tx,
    job: Job,
    (scheduled_for, rest): (DateTime<Utc>, Duration),
    now: DateTime<Utc>,
) -> Result<Option<job_run::Model>, DbErr> {
    let finished = table::Column::FinishedAt;
    let failed = table::Column::Status.eq(JobRunStatus::Failed).and(finished.lte(now - rest));
    let ahead = finished.gt(now + AHEAD);
    let found = table::Entity::find()
        .filter(table::Column::Name.eq(job.name()))
        .filter(table::Column::ScheduledFor.eq(scheduled_for))
        .filter(is_lost(now).or(failed).or(ahead))
        .lock_exclusive()
        .one(tx)
        .await?;
    let Some(run) = found else { return Ok(None) };
    let busy = table::Entity::find()
        .filter(table::Column::Name.eq(job.name()))
        .filter(table::Column::Status.eq(JobRunStatus::Running))
        .filter(table::Column::Id.ne(run.id));
    if busy.one(tx).await?.is_some() {
        return Ok(None);
    }
    let attempt = run.attempt.saturating_add(1);
    let mut row = run.into_active_model();
    row.attempt = Set(attempt);
    row.status = Set(JobRunStatus::Running);
    row.started_at = Set(now);
    row.finished_at = Set(None);
    row.error = Set(None);
    row.lease_until = Set(now + LEASE);
    Ok(Some(row.update(tx).await?))
}

/// Tells the others that the runner lives and how far it has come. Says whether the run is still its own: another takes
/// it over when no sign has come for too long.
pub(super) async fn renew(
    app: &App,
    run: &job_run::Model,
    progress: &Progress,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    leave(app, run, |row| {
        row.lease_until = Set(now + LEASE);
        told(row, progress);
    })
    .await
}

/// Gives the run up in the middle, so that another process goes on with it at its next tick.
pub(super) async fn hand_over(
    app: &App,
    run: &job_run::Model,
    progress: &Progress,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    leave(app, run, |row| {
        row.lease_until = Set(now);
        told(row, progress);
    })
    .await
}

/// Ends the run, well or, because of `failure`, badly. Says whether it was still the caller's own.
pub(super) async fn finish(
    app: &App,
    run: &job_run::Model,
    (progress, failure): (&Progress, Option<&str>),
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    leave(app, run, |row| {
        row.finished_at = Set(Some(now));
        row.status = Set(if failure.is_none() { JobRunStatus::Done } else { JobRunStatus::Failed });
        row.error = Set(failure.map(|reason| reason.chars().take(500).collect()));
        told(row, progress);
    })
    .await
}

fn told(row: &mut job_run::ActiveModel, progress: &Progress) {
    row.affected = Set(i64::try_from(progress.done()).unwrap_or(i64::MAX));
    row.total = Set(progress.total().and_then(|total| i64::try_from(total).ok()));
}

/// Changes the row of `run`, unless another process has taken the run over.
async fn leave(
    app: &App,
    run: &job_run::Model,
    change: impl Fn(&mut job_run::ActiveModel),
) -> Result<bool, DbErr> {
    let mut row = job_run::ActiveModel::new();
    change(&mut row);
    transact!(app.db, |tx| {
        let own = table::Entity::update_many()
            .set(row.clone())
            .filter(table::Column::Id.eq(run.id))
            .filter(table::Column::Attempt.eq(run.attempt))
            .filter(table::Column::Status.eq(JobRunStatus::Running));
        own.exec(tx).await.map(|done| done.rows_affected == 1)
    })
}

/// Forgets old runs of `job`, a bounded number at a time, but never the last one that did its work: what looks for it would
/// take a job that has failed for long for one that never ran.
pub(super) async fn prune(app: &App, job: Job, now: DateTime<Utc>) -> Result<(), DbErr> {
    let keep = match job.schedule(app) {
        Schedule::Every(_) => KEEP_INTERVAL_RUNS,
        Schedule::Daily { .. } => KEEP_DAILY_RUNS,
    };
    let own = table::Column::Name.eq(job.name());
    let old: Vec<JobRunId> = table::Entity::find()
        .select_only()
        .column(table::Column::Id)
        .filter(own.clone())
        .filter(table::Column::ScheduledFor.lt(now - keep))
        .filter(table::Column::Status.ne(JobRunStatus::Running))
        .order_by_asc(table::Column::ScheduledFor)
        .limit(FORGOTTEN_AT_ONCE)
        .into_tuple()
        .all(app.db.read())
        .await?;
    if old.is_empty() {
        return Ok(());
    }
    let last_done: Option<JobRunId> = table::Entity::find()
        .select_only()
        .column(table::Column::Id)
        .filter(own)
        .filter(table::Column::Status.eq(JobRunStatus::Done))
        .order_by_desc(table::Column::ScheduledFor)
        .into_tuple()
        .one(app.db.read())
        .await?;
    let over = || old.iter().copied().filter(|run| Some(*run) != last_done);
    transact!(app.db, |tx| {
        let old = table::Entity::delete_many().filter(table::Column::Id.is_in(over()));
        old.exec(tx).await.map(drop)
    })
}

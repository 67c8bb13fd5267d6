//! The rows of `job_run`: who inserts one runs the job, and a run that lost its process is taken over.

use chrono::{DateTime, Duration, Utc};
use entity::job_run::{self, JobRunStatus};
use entity::{JobRunId, job_run as table};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};

use super::{Job, RunError};
use crate::app::App;
use crate::audit::{self, Act, Action, Actor};
use crate::db::transact;
use crate::idempotency::{self, Claim};

/// How long a runner is believed alive without a sign.
pub(super) const LEASE: Duration = Duration::seconds(20);
/// How long a failed run rests before it is tried again, of a job that is due every few seconds or minutes.
const REST: Duration = Duration::seconds(60);
/// The same, of one that asks Toss or reads all books: what fails for a reason would only fail again.
const LONG_REST: Duration = Duration::minutes(10);
/// How long the runs of jobs that are due every few seconds are kept.
const KEEP_INTERVAL_RUNS: Duration = Duration::days(7);

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
    tx: &DatabaseTransaction,
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

/// Runs of earlier due times whose process is gone must not block this one.
async fn bury_the_dead(
    tx: &DatabaseTransaction,
    job: Job,
    scheduled_for: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    table::Entity::update_many()
        .col_expr(table::Column::Status, Expr::value(JobRunStatus::Failed))
        .col_expr(table::Column::FinishedAt, Expr::value(now))
        .col_expr(table::Column::Error, Expr::value("its process was lost"))
        .filter(table::Column::Name.eq(job.name()))
        .filter(table::Column::Status.eq(JobRunStatus::Running))
        .filter(table::Column::LeaseUntil.lte(now))
        .filter(table::Column::ScheduledFor.ne(scheduled_for))
        .exec(tx)
        .await
        .map(drop)
}

/// Continues the run of the same due time if its process is gone, or tries it again if it failed a while ago.
async fn take_over(
    tx: &DatabaseTransaction,
    job: Job,
    (scheduled_for, rest): (DateTime<Utc>, Duration),
    now: DateTime<Utc>,
) -> Result<Option<job_run::Model>, DbErr> {
    let lost = table::Column::Status.eq(JobRunStatus::Running).and(table::Column::LeaseUntil.lte(now));
    let failed =
        table::Column::Status.eq(JobRunStatus::Failed).and(table::Column::FinishedAt.lte(now - rest));
    let found = table::Entity::find()
        .filter(table::Column::Name.eq(job.name()))
        .filter(table::Column::ScheduledFor.eq(scheduled_for))
        .filter(lost.or(failed))
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
    let mut row = run.into_active_model();
    row.status = Set(JobRunStatus::Running);
    row.started_at = Set(now);
    row.finished_at = Set(None);
    row.error = Set(None);
    row.lease_until = Set(now + LEASE);
    Ok(Some(row.update(tx).await?))
}

/// Tells the others that the runner lives.
pub(super) async fn renew(app: &App, id: JobRunId, now: DateTime<Utc>) -> Result<(), DbErr> {
    transact!(app.db, |tx| {
        let renewed = table::Entity::update_many()
            .col_expr(table::Column::LeaseUntil, Expr::value(now + LEASE))
            .filter(table::Column::Id.eq(id))
            .filter(table::Column::Status.eq(JobRunStatus::Running));
        renewed.exec(tx).await.map(drop)
    })
}

/// Ends the run, well or badly, and returns its row.
pub(super) async fn finish(
    app: &App,
    run: job_run::Model,
    outcome: &Result<u64, DbErr>,
    now: DateTime<Utc>,
) -> Result<job_run::Model, DbErr> {
    transact!(app.db, |tx| {
        let mut row = run.clone().into_active_model();
        row.finished_at = Set(Some(now));
        match outcome {
            Ok(affected) => {
                row.status = Set(JobRunStatus::Done);
                row.affected = Set(i64::try_from(*affected).unwrap_or(i64::MAX));
            }
            Err(error) => {
                row.status = Set(JobRunStatus::Failed);
                row.error = Set(Some(error.to_string().chars().take(500).collect()));
            }
        }
        row.update(tx).await
    })
}

/// Forgets old runs of a job that is due every few seconds, a bounded number at a time.
pub(super) async fn prune(app: &App, job: Job, now: DateTime<Utc>) -> Result<(), DbErr> {
    let old: Vec<JobRunId> = table::Entity::find()
        .select_only()
        .column(table::Column::Id)
        .filter(table::Column::Name.eq(job.name()))
        .filter(table::Column::ScheduledFor.lt(now - KEEP_INTERVAL_RUNS))
        .filter(table::Column::Status.ne(JobRunStatus::Running))
        .order_by_asc(table::Column::ScheduledFor)
        .limit(100)
        .into_tuple()
        .all(app.db.read())
        .await?;
    if old.is_empty() {
        return Ok(());
    }
    transact!(app.db, |tx| {
        let old = table::Entity::delete_many().filter(table::Column::Id.is_in(old.iter().copied()));
        old.exec(tx).await.map(drop)
    })
}

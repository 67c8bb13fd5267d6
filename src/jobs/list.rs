//! Reads jobs and their runs.

use entity::{JobRunId, job_run};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};

use super::Job;
use crate::http::page::{Page, PageRequest, page_of};

/// The run of `job` that began last.
///
/// # Errors
/// The database's own.
pub(crate) async fn last_run(db: &impl ConnectionTrait, job: Job) -> Result<Option<job_run::Model>, DbErr> {
    job_run::Entity::find()
        .filter(job_run::Column::Name.eq(job.name()))
        .order_by_desc(job_run::Column::ScheduledFor)
        .one(db)
        .await
}

/// The run `id`.
///
/// # Errors
/// The database's own.
pub(super) async fn run(db: &impl ConnectionTrait, id: JobRunId) -> Result<Option<job_run::Model>, DbErr> {
    job_run::Entity::find_by_id(id).one(db).await
}

/// One page of the runs of `job`, newest first.
///
/// # Errors
/// The database's own.
pub(crate) async fn runs(
    db: &impl ConnectionTrait,
    job: Job,
    page: &PageRequest,
) -> Result<Page<job_run::Model>, DbErr> {
    use job_run::Column;
    let query = job_run::Entity::find().filter(Column::Name.eq(job.name()));
    page_of(db, query, (Column::ScheduledFor, Column::Id), page, |run| {
        (run.scheduled_for, run.id.to_string())
    })
    .await
}

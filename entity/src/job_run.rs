//! One row per due time of a job: whoever inserts it runs the job.

use sea_orm::entity::prelude::*;

use crate::{JobRunId, Timestamp};

/// One run of a job.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job_run")]
pub struct Model {
    /// Identifies the run.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: JobRunId,
    /// The job's name.
    pub name: String,
    /// The due time that it serves; unique with the name.
    pub scheduled_for: Timestamp,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Whether it runs, did its work or failed.
    pub status: JobRunStatus,
    /// How many rows it changed so far.
    pub affected: i64,
    /// How many rows there were to change, where that is known beforehand.
    pub total: Option<i64>,
    /// How many processes have worked on it, one after another.
    pub attempt: i32,
    /// Until when the runner is believed alive without a further sign.
    pub lease_until: Timestamp,
    /// Why it failed, for operators.
    pub error: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum JobRunStatus {
    /// It runs.
    #[sea_orm(string_value = "RUNNING")]
    Running,
    /// It did its work.
    #[sea_orm(string_value = "DONE")]
    Done,
    /// It failed, or its process died.
    #[sea_orm(string_value = "FAILED")]
    Failed,
}

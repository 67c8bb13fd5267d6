//! How every job stands.

use askama::Template;
use entity::JobRunId;
use entity::job_run::{self, JobRunStatus};
use poem::http::StatusCode;
use poem::web::Query;
use poem::{Response, handler};
use sea_orm::EntityTrait;
use serde::Deserialize;

use super::words::{purpose, schedule};
use crate::admin::desk::{Desk, Frame, Nav};
use crate::admin::view::{Chip, When, run_chip};
use crate::http::error::ApiError;
use crate::jobs::{Job, last_run};

/// Jobs, one a card.
#[derive(Template)]
#[template(path = "admin/jobs/list.html")]
struct ListPage {
    shell: Frame,
    notice: Option<Notice>,
    jobs: Vec<Card>,
    /// Whether this process runs jobs by itself.
    scheduled: bool,
}

/// What has just happened.
pub(super) struct Notice {
    /// The style's name.
    pub(super) class: &'static str,
    /// The words.
    pub(super) text: String,
}

struct Card {
    name: &'static str,
    purpose: &'static str,
    schedule: String,
    last: Option<Run>,
    next: Option<When>,
}

/// A run.
pub(super) struct Run {
    pub(super) state: Chip,
    pub(super) scheduled_for: When,
    pub(super) started: When,
    pub(super) took: String,
    pub(super) affected: String,
    pub(super) error: Option<String>,
}

/// What has just been done.
#[derive(Debug, Deserialize)]
pub(in crate::admin) struct Wanted {
    run: Option<String>,
}

/// Lists jobs.
#[handler]
pub(in crate::admin) async fn index(desk: Desk, Query(wanted): Query<Wanted>) -> poem::Result<Response> {
    let id = wanted.run.as_deref().and_then(|text| text.parse::<JobRunId>().ok());
    let run = match id {
        Some(id) => job_run::Entity::find_by_id(id).one(desk.app.db.read()).await.map_err(ApiError::from)?,
        None => None,
    };
    show(&desk, StatusCode::OK, run.map(|run| Notice::of(&desk, &run))).await
}

impl Notice {
    /// How a run went, or that it goes on.
    fn of(desk: &Desk, run: &job_run::Model) -> Self {
        let shell = &desk.shell;
        let (class, text) = match run.status {
            JobRunStatus::Running => {
                ("warn", shell.say("아직 실행 중입니다.", "is still running.").to_owned())
            }
            JobRunStatus::Done => (
                "good",
                match shell.code() {
                    "ko" => format!("실행했습니다. 바꾼 행: {}", run.affected),
                    _ => format!("has run. Rows changed: {}", run.affected),
                },
            ),
            JobRunStatus::Failed => {
                let error = run.error.as_deref().unwrap_or_default();
                ("bad", format!("{} {error}", shell.say("실패했습니다.", "has failed.")))
            }
        };
        Self { class, text: format!("{}: {text}", run.name) }
    }
}

/// The page, with what has just happened.
pub(super) async fn show(desk: &Desk, status: StatusCode, notice: Option<Notice>) -> poem::Result<Response> {
    let shell = desk.frame(Nav::Jobs).await?;
    let zone = desk.app.config.billing.timezone;
    let scheduled = desk.app.config.scheduler.enabled;
    let mut jobs = Vec::with_capacity(Job::ALL.len());
    for job in Job::ALL {
        let due = job.schedule(&desk.app);
        let last = last_run(desk.app.db.read(), job).await.map_err(ApiError::from)?;
        let next = due.next_due(desk.now, zone).filter(|_| scheduled);
        jobs.push(Card {
            name: job.name(),
            purpose: purpose(&shell, job),
            schedule: schedule(&shell, due, zone),
            last: last.map(|run| Run::of(&shell, run)),
            next: next.map(|at| When::exact(&shell, at)),
        });
    }
    Ok(desk.page_with(status, &ListPage { shell, notice, jobs, scheduled }))
}

impl Run {
    /// How a run looks.
    pub(super) fn of(shell: &Frame, run: job_run::Model) -> Self {
        let took = run.finished_at.map(|end| (end - run.started_at).num_milliseconds().max(0));
        let took = match took {
            None => "–".to_owned(),
            Some(millis) if millis < 1_000 => format!("{millis} ms"),
            Some(millis) => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        };
        Self {
            state: run_chip(shell, run.status),
            scheduled_for: When::exact(shell, run.scheduled_for),
            started: When::exact(shell, run.started_at),
            took,
            affected: match run.total {
                Some(total) if total > run.affected => format!("{} / {total}", run.affected),
                _ => run.affected.to_string(),
            },
            error: run.error,
        }
    }
}

//! How every job stands.

use askama::Template;
use entity::job_run;
use poem::http::StatusCode;
use poem::web::Query;
use poem::{Response, handler};
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
    pub(super) affected: i64,
    pub(super) error: Option<String>,
}

/// What has just been done.
#[derive(Debug, Deserialize)]
pub(in crate::admin) struct Wanted {
    ran: Option<String>,
}

/// Lists jobs.
#[handler]
pub(in crate::admin) async fn index(desk: Desk, Query(wanted): Query<Wanted>) -> poem::Result<Response> {
    let ran = wanted.ran.as_deref().and_then(Job::named);
    let notice = match ran {
        Some(job) => Some(Notice {
            class: "good",
            text: format!(
                "{}: {}",
                job.name(),
                desk.shell.say("실행했습니다. 결과는 아래와 같습니다.", "has run. Below is how it went.")
            ),
        }),
        None => None,
    };
    show(&desk, StatusCode::OK, notice).await
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
            affected: run.affected,
            error: run.error,
        }
    }
}

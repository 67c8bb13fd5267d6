//! The runs of one job, newest first.

use askama::Template;
use poem::web::{Path, Query};
use poem::{Response, handler};
use serde::Deserialize;

use super::list::Run;
use super::words::{purpose, schedule};
use crate::admin::desk::{Desk, Frame, Nav};
use crate::admin::view::link;
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::page::PageRequest;
use crate::jobs::{self, Job};

/// Rows on a page.
const ROWS: u32 = 50;

/// Runs, one a row.
#[derive(Template)]
#[template(path = "admin/jobs/runs.html")]
struct RunsPage {
    shell: Frame,
    name: &'static str,
    purpose: &'static str,
    schedule: String,
    rows: Vec<Run>,
    next: Option<String>,
}

/// What is wanted.
#[derive(Debug, Deserialize)]
pub(in crate::admin) struct Wanted {
    cursor: Option<String>,
}

/// Lists the runs of a job.
#[handler]
pub(in crate::admin) async fn history(
    desk: Desk,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
) -> poem::Result<Response> {
    let job = Job::named(&name).ok_or_else(|| ApiError::from(Code::JobNotFound))?;
    let request =
        PageRequest::parse("job-runs", Some(ROWS), wanted.cursor.as_deref()).map_err(ApiError::from)?;
    let page = jobs::runs(desk.app.db.read(), job, &request).await.map_err(ApiError::from)?;
    let shell = desk.frame(Nav::Jobs).await?;
    let path = format!("/admin/jobs/{}", job.name());
    let template = RunsPage {
        name: job.name(),
        purpose: purpose(&shell, job),
        schedule: schedule(&shell, job.schedule(&desk.app), desk.app.config.billing.timezone),
        next: page.next_cursor.as_deref().map(|cursor| link(&path, &[("cursor", Some(cursor))])),
        rows: page.items.into_iter().map(|run| Run::of(&shell, run)).collect(),
        shell,
    };
    Ok(desk.page(&template))
}

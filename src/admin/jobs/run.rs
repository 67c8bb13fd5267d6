//! Runs a job because somebody pressed its button.

use poem::http::StatusCode;
use poem::web::Path;
use poem::{Response, handler};

use super::list::{Notice, show};
use crate::admin::desk::{Desk, Posted};
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::jobs::{Job, RunError, run_now};

/// Runs a job, once at a time, and shows how it went.
#[handler]
pub(in crate::admin) async fn now(posted: Posted, Path(name): Path<String>) -> poem::Result<Response> {
    let desk = posted.desk;
    let job = Job::named(&name).ok_or_else(|| ApiError::from(Code::JobNotFound))?;
    match run_now(&desk.app, job, (&desk.actor, None), desk.now).await {
        Ok(run) => Ok(desk.see_other(&format!("/admin/jobs?run={}", run.id))),
        Err(RunError::Running) => {
            let text = format!("{}: {}", job.name(), Code::JobRunning.detail(desk.shell.language));
            show(&desk, StatusCode::CONFLICT, Some(Notice { class: "warn", text })).await
        }
        Err(error) => Err(ApiError::from(error).into()),
    }
}

/// Where a link to a form's address leads: to the page with the form.
#[handler]
pub(in crate::admin) fn back(desk: Desk) -> Response {
    desk.see_other("/admin/jobs")
}

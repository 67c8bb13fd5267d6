//! `gudok job run NAME`: one run, by hand, from the command line.

use std::process::ExitCode;

use entity::job_run::JobRunStatus;
use poem_openapi::types::ToJSON;

use crate::audit::Actor;
use crate::config::Config;
use crate::jobs::api::RunView;
use crate::jobs::{Job, run_to_end};

/// Runs the job `name` and prints its run as JSON; exit code 1 when it failed.
///
/// # Errors
/// Whatever prevents a run, by name.
pub(super) async fn run(name: &str) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let names = Job::ALL.map(Job::name).join(", ");
    let job = Job::named(name).ok_or_else(|| format!("no job is called {name}; there are {names}"))?;
    let config = Config::load()?;
    let app = super::app(config, matches!(job, Job::SettlePayments | Job::ProcessWebhooks | Job::Reconcile))
        .await?;
    let finished = run_to_end(&app, job, &Actor::command_line(), app.clock.now()).await?;
    let failed = finished.status != JobRunStatus::Done;
    super::say(&format!("{}\n", RunView::from(finished).to_json_string()));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

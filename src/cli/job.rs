//! `gudok job run NAME`: one run, by hand, from the command line.

use std::process::ExitCode;

use entity::job_run::JobRunStatus;
use poem_openapi::types::ToJSON;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::db;
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
    if job == Job::SettlePayments && config.toss.secret_key.is_none() {
        return Err("toss.secret_key is needed: set GUDOK__TOSS__SECRET_KEY".into());
    }
    let app = App::build(config, Clock::system()).await?;
    if !db::migrate::is_current(&app.db).await? {
        return Err("the database's schema is outdated: run `gudok migrate` first".into());
    }
    let finished = run_to_end(&app, job, app.clock.now()).await?;
    let failed = finished.status != JobRunStatus::Done;
    super::say(&format!("{}\n", RunView::from(finished).to_json_string()));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

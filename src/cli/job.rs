//! `gudok job run NAME`: one run, by hand, from the command line, with its progress in a terminal.

use std::process::ExitCode;
use std::time::Duration;

use entity::job_run::JobRunStatus;
use indicatif::{ProgressBar, ProgressStyle};
use poem_openapi::types::ToJSON;

use crate::audit::Actor;
use crate::config::Config;
use crate::jobs::api::RunView;
use crate::jobs::{Job, Progress, run_to_end};

/// How often the bar is drawn.
const FRAME: Duration = Duration::from_millis(100);

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
    super::stop_on_signals(&app, Duration::ZERO)?;
    // It draws on standard error, and only if that is a terminal.
    let bar = ProgressBar::no_length().with_style(style(name, None));
    let begun = |progress: Progress| {
        let (bar, name) = (bar.clone(), name.to_owned());
        tokio::spawn(async move {
            while !bar.is_finished() {
                draw(&bar, &name, &progress);
                tokio::time::sleep(FRAME).await;
            }
        });
    };
    let finished = run_to_end(&app, job, (&Actor::command_line(), begun), app.clock.now()).await;
    bar.finish_and_clear();
    let finished = finished?;
    let failed = finished.status != JobRunStatus::Done;
    if let Some(reason) = &finished.error {
        super::complain(&format!("gudok: {name} failed: {reason}"));
    }
    super::say(&format!("{}\n", RunView::from(finished).to_json_string()));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn draw(bar: &ProgressBar, name: &str, progress: &Progress) {
    if let Some(total) = progress.total()
        && bar.length().is_none()
    {
        bar.set_length(total);
        bar.set_style(style(name, Some(total)));
    }
    bar.set_position(progress.done());
}

fn style(name: &str, total: Option<u64>) -> ProgressStyle {
    let counts = match total {
        Some(_) => "{bar:30} {human_pos}/{human_len} rows, {per_sec}, {eta} left",
        None => "{spinner} {human_pos} rows",
    };
    ProgressStyle::with_template(&format!("{name} {counts}")).unwrap_or_else(|_| ProgressStyle::default_bar())
}

//! `gudok reconcile`: the comparison with Toss's books by hand, with its progress in a terminal and its result as a
//! table or as JSON.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use serde_json::json;

use super::table::table;
use crate::audit::{self, Act, Action, Actor};
use crate::config::Config;
use crate::reconcile::{Difference, Options, Outcome, Progress, Report, Window, reconcile};

/// Which days, and how they are shown.
#[derive(Clone, Debug, Args)]
pub(super) struct Arguments {
    /// The first day (YYYY-MM-DD) in billing.timezone.
    #[arg(long, value_name = "DATE")]
    from: NaiveDate,
    /// The last day (YYYY-MM-DD), which is compared too.
    #[arg(long, value_name = "DATE")]
    to: NaiveDate,
    /// Print one JSON document instead of a table.
    #[arg(long)]
    json: bool,
}

/// Compares and prints. Gives whether nothing differs any more; none when it could not be compared to the end.
///
/// # Errors
/// Whatever prevents a start, by name.
pub(super) async fn run(arguments: &Arguments) -> Result<Option<bool>, Box<dyn std::error::Error>> {
    let app = super::app(Config::load()?, true).await?;
    let zone = app.config.billing.timezone;
    let window = Window::of_days(arguments.from, arguments.to, zone, app.clock.now())?;
    // It repairs, so that it is an act of whoever typed it.
    let days = json!({"from": arguments.from.to_string(), "to": arguments.to.to_string()});
    let act = Act::new(Action::JobRun, "reconcile").made(days);
    audit::record(&app, &Actor::command_line(), &act, app.clock.now()).await?;
    super::stop_on_signals(&app, Duration::ZERO)?;
    // It draws on standard error, and only if that is a terminal.
    let bar = ProgressBar::new(0).with_style(style());
    let watch = |progress: Progress| {
        bar.set_length(progress.days);
        bar.set_position(progress.days_done);
        let Progress { compared, repaired, open, .. } = progress;
        bar.set_message(format!("{compared} compared, {repaired} repaired, {open} open"));
    };
    let report = reconcile(&app, window, Options::default(), &watch).await;
    bar.finish_and_clear();
    if arguments.json {
        super::say(&format!("{}\n", serde_json::to_string_pretty(&report)?));
    } else {
        super::say(&text(&report, zone));
    }
    if let Some(reason) = &report.failure {
        super::complain(&format!("gudok: the comparison ended early: {reason}"));
    }
    app.db.clone().close().await;
    Ok(report.failure.is_none().then_some(report.open == 0))
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:30} {pos}/{len} days, {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn text(report: &Report, zone: Tz) -> String {
    let shown = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string();
    let head = format!("{} to {} ({zone})\n\n", shown(report.from), shown(report.to));
    let counts = [report.compared, report.matched, report.under_way, report.repaired, report.open];
    let sums = [
        ["compared", "matched", "under way", "repaired", "open"].map(str::to_owned).to_vec(),
        counts.map(|count| count.to_string()).to_vec(),
    ];
    let mut text = head + &table(&sums);
    if !report.differences.is_empty() {
        let titles = ["order", "kind", "ours", "Toss", "done", "why"].map(str::to_owned).to_vec();
        let rows: Vec<_> = std::iter::once(titles).chain(report.differences.iter().map(row)).collect();
        text.push('\n');
        text.push_str(&table(&rows));
    }
    text
}

fn row(difference: &Difference) -> Vec<String> {
    let done = match difference.outcome {
        Outcome::Repaired => "repaired",
        Outcome::Reported => "reported",
        Outcome::Unsettled => "left to settle",
    };
    let side = |words: &Option<String>| words.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        difference.order_id.clone(),
        difference.kind.name().to_owned(),
        side(&difference.ours),
        side(&difference.theirs),
        done.to_owned(),
        difference.detail.clone(),
    ]
}

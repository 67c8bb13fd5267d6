//! `gudok check`: whether the invariants hold, as a table or as JSON. It writes nothing.

use clap::Args;

use super::table::table;
use crate::check::{Report, check};
use crate::config::Config;

/// How the result is shown.
#[derive(Clone, Debug, Args)]
pub(super) struct Arguments {
    /// Print one JSON document instead of a table.
    #[arg(long)]
    json: bool,
}

/// Checks and prints. Gives whether every rule holds.
///
/// # Errors
/// Whatever prevents a check.
pub(super) async fn run(arguments: &Arguments) -> Result<Option<bool>, Box<dyn std::error::Error>> {
    let app = super::app(Config::load()?, false).await?;
    let report = check(&app).await?;
    if arguments.json {
        super::say(&format!("{}\n", serde_json::to_string_pretty(&report)?));
    } else {
        super::say(&text(&report));
    }
    app.db.clone().close().await;
    Ok(Some(report.breaches.is_empty()))
}

fn text(report: &Report) -> String {
    let (payments, subscriptions) = (report.payments, report.subscriptions);
    let count = report.breaches.len();
    let more = if report.more { " or more" } else { "" };
    let mut text = format!("{payments} payments, {subscriptions} subscriptions, {count}{more} breaches\n");
    if !report.breaches.is_empty() {
        let titles = ["rule", "order or user", "what"].map(str::to_owned).to_vec();
        let rows = report
            .breaches
            .iter()
            .map(|breach| vec![breach.rule.to_string(), breach.about().to_owned(), breach.detail.clone()]);
        text.push('\n');
        text.push_str(&table(&std::iter::once(titles).chain(rows).collect::<Vec<_>>()));
    }
    text
}

//! What was measured, in one table: medians of all runs with their spread, beside the targets.

use std::fmt::Write as _;

/// Which database keeps the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    Sqlite,
}

/// What a figure has to reach.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

#[derive(Debug)]
struct Row {
    figure: String,
    unit: &'static str,
    target: Option<Target>,
    postgres: Vec<f64>,
    sqlite: Vec<f64>,
}

/// All figures, in the order in which they were first measured.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds what one run has measured.
    pub(crate) fn add(&mut self, engine: Engine, figure: &str, unit: &'static str, value: f64) {
        let row = self.row(figure, unit);
        match engine {
            Engine::Postgres => row.postgres.push(value),
            Engine::Sqlite => row.sqlite.push(value),
        }
    }

    /// The same for PostgreSQL, of a figure that has a target.
    pub(crate) fn aim(&mut self, figure: &str, unit: &'static str, target: Target, value: f64) {
        self.row(figure, unit).target = Some(target);
        self.add(Engine::Postgres, figure, unit, value);
    }

    fn row(&mut self, figure: &str, unit: &'static str) -> &mut Row {
        let index = self.rows.iter().position(|row| row.figure == figure).unwrap_or_else(|| {
            let (figure, postgres, sqlite) = (figure.to_owned(), Vec::new(), Vec::new());
            self.rows.push(Row { figure, unit, target: None, postgres, sqlite });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }

    /// The table in Markdown.
    pub(crate) fn text(&self) -> String {
        let mut text =
            "| figure | PostgreSQL | SQLite | target | |\n| --- | ---: | ---: | ---: | --- |\n".to_owned();
        for row in &self.rows {
            let (target, verdict) = match (row.target, median(&row.postgres)) {
                (Some(Target::AtLeast(least)), Some(value)) => (format!("≥ {least}"), met(value >= least)),
                (Some(Target::AtMost(most)), Some(value)) => (format!("≤ {most}"), met(value <= most)),
                _ => (String::new(), ""),
            };
            let (ours, theirs) = (cell(&row.postgres, row.unit), cell(&row.sqlite, row.unit));
            writeln!(text, "| {} | {ours} | {theirs} | {target} | {verdict} |", row.figure).expect("memory");
        }
        text
    }
}

fn met(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

/// Median, and from where to where the runs went.
fn cell(values: &[f64], unit: &str) -> String {
    let Some(median) = median(values) else { return String::new() };
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let spread =
        if values.len() > 1 { format!(" ({}–{})", short(least), short(most)) } else { String::new() };
    format!("{}{unit}{spread}", short(median))
}

pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { upper } else { (sorted[middle - 1] + upper) / 2.0 })
}

/// Three digits, or whole numbers.
fn short(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

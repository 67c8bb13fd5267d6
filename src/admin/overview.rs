//! The first page: what came in, who stays and what fails, as cards, charts and tables.

use std::sync::Arc;

use askama::Template;
use poem::web::Query;
use poem::{Response, handler};
use serde::Deserialize;

use super::busy::busy;
use super::desk::{Desk, Frame, Nav};
use crate::figures::{Days, Decline, MethodOutcome, Overview, Shared, SharedError, Stage};
use crate::http::error::ApiError;
use crate::http::fields::{Fault, FieldError};

/// The ranges that are offered, in days.
const RANGES: [u32; 4] = [7, 30, 90, 365];
/// The range of those who ask for none.
const USUAL: u32 = 30;
/// Codes that the chart of failures shows; the table has all.
const MOST_CODES: usize = 12;

/// The figures.
#[derive(Template)]
#[template(path = "admin/overview.html")]
struct OverviewPage {
    shell: Frame,
    ranges: Vec<Range>,
    from: String,
    to: String,
    figures: Arc<Overview>,
    /// The success rate in percent.
    rate: Option<String>,
    /// What stands open in all.
    open: i64,
    methods: Vec<MethodRow>,
    declines: Vec<DeclineRow>,
    /// The same figures for the script, safe inside of an element.
    data: String,
}

struct Range {
    days: u32,
    label: String,
    chosen: bool,
}

struct MethodRow {
    name: String,
    approved: i64,
    declined: i64,
    rate: String,
}

struct DeclineRow {
    code: String,
    stage: &'static str,
    number: i64,
}

/// Which range is wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    days: Option<String>,
}

/// Shows the figures.
#[handler]
pub(super) async fn overview(desk: Desk, Query(wanted): Query<Wanted>) -> poem::Result<Response> {
    let number = match wanted.days.as_deref() {
        None => USUAL,
        Some(text) => {
            let fault = || FieldError::new("days", Fault::OneOf("7, 30, 90, 365"));
            let asked = text.parse().ok().filter(|days| RANGES.contains(days));
            asked.ok_or_else(|| ApiError::from(fault()))?
        }
    };
    let days = Days::last(number, desk.app.config.billing.timezone, desk.now).map_err(|error| {
        tracing::error!(%error, "no days to look at");
        ApiError::from(crate::http::code::Code::Internal)
    })?;
    let figures = match Shared::overview(&desk.app, days, desk.now).await {
        Ok(figures) => figures,
        Err(SharedError::Busy) => return busy(&desk, Nav::Overview).await,
        Err(SharedError::Database(error)) => return Err(ApiError::from(error).into()),
    };
    let shell = desk.frame(Nav::Overview).await?;
    Ok(desk.page(&OverviewPage::of(shell, number, figures)))
}

impl OverviewPage {
    fn of(shell: Frame, number: u32, figures: Arc<Overview>) -> Self {
        let range = |days: u32| Range {
            days,
            label: match (days, shell.code()) {
                (365, "ko") => "1년".to_owned(),
                (365, _) => "1 year".to_owned(),
                (days, "ko") => format!("{days}일"),
                (days, _) => format!("{days} days"),
            },
            chosen: days == number,
        };
        let open = figures.open;
        let methods: Vec<MethodRow> =
            figures.outcomes.methods.iter().map(|row| MethodRow::of(&shell, row)).collect();
        let declines: Vec<DeclineRow> =
            figures.outcomes.declines.iter().map(|row| DeclineRow::of(&shell, row)).collect();
        Self {
            ranges: RANGES.into_iter().map(range).collect(),
            from: figures.from.to_string(),
            to: figures.to.to_string(),
            rate: figures.outcomes.approved_per_mille.map(percent),
            open: open.payments + open.refunds + open.compensations,
            data: data(&shell, &figures, &methods, &declines),
            methods,
            declines,
            figures,
            shell,
        }
    }
}

impl MethodRow {
    fn of(shell: &Frame, row: &MethodOutcome) -> Self {
        let unknown = || shell.say("수단을 알 수 없음", "Unknown method").to_owned();
        Self {
            name: row.method.clone().unwrap_or_else(unknown),
            approved: row.approved,
            declined: row.declined,
            rate: row.approved_per_mille.map_or_else(|| "–".to_owned(), percent),
        }
    }
}

impl DeclineRow {
    fn of(shell: &Frame, row: &Decline) -> Self {
        let stage = match row.stage {
            Stage::Confirm => shell.say("토스의 거절", "Declined by Toss"),
            Stage::Window => shell.say("결제창에서", "In the payment window"),
            Stage::Deposit => shell.say("입금되지 않음", "No deposit"),
        };
        Self { code: row.code.clone(), stage, number: row.number }
    }
}

/// `98.7%` of 987.
fn percent(per_mille: i64) -> String {
    format!("{}.{}%", per_mille / 10, per_mille % 10)
}

/// What the script draws. No `<` is left in it, so that no text can end the element that holds it.
fn data(shell: &Frame, figures: &Overview, methods: &[MethodRow], declines: &[DeclineRow]) -> String {
    let revenue = &figures.revenue.days;
    let flow = &figures.subscriptions.days;
    let plans = &figures.subscriptions.plans;
    let declines = || declines.iter().take(MOST_CODES);
    let value = serde_json::json!({
        "language": shell.code(),
        "revenue": {
            "days": revenue.iter().map(|row| row.day).collect::<Vec<_>>(),
            "series": [
                {"label": shell.say("총액", "Gross"), "values": revenue.iter().map(|row| row.revenue.gross).collect::<Vec<_>>()},
                {"label": shell.say("환불", "Refunded"), "values": revenue.iter().map(|row| -row.revenue.refunded).collect::<Vec<_>>()},
                {"label": shell.say("순매출", "Net"), "values": revenue.iter().map(|row| row.revenue.net).collect::<Vec<_>>()},
            ],
        },
        "flow": {
            "days": flow.iter().map(|row| row.day).collect::<Vec<_>>(),
            "series": [
                {"label": shell.say("신규", "New"), "values": flow.iter().map(|row| row.flow.new).collect::<Vec<_>>()},
                {"label": shell.say("갱신", "Renewed"), "values": flow.iter().map(|row| row.flow.renewed).collect::<Vec<_>>()},
                {"label": shell.say("이탈", "Lost"), "values": flow.iter().map(|row| -row.flow.lost).collect::<Vec<_>>()},
            ],
        },
        "mrr": {
            "labels": plans.iter().take(MOST_CODES).map(|plan| &plan.name).collect::<Vec<_>>(),
            "series": [{"label": "MRR", "values": plans.iter().take(MOST_CODES).map(|plan| plan.mrr).collect::<Vec<_>>()}],
        },
        "methods": {
            "labels": methods.iter().take(MOST_CODES).map(|row| &row.name).collect::<Vec<_>>(),
            "series": [
                {"label": shell.say("승인", "Approved"), "values": methods.iter().take(MOST_CODES).map(|row| row.approved).collect::<Vec<_>>()},
                {"label": shell.say("거절", "Declined"), "values": methods.iter().take(MOST_CODES).map(|row| row.declined).collect::<Vec<_>>()},
            ],
        },
        "declines": {
            "labels": declines().map(|row| &row.code).collect::<Vec<_>>(),
            "series": [{"label": shell.say("횟수", "Times"), "values": declines().map(|row| row.number).collect::<Vec<_>>()}],
        },
    });
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_told_in_percent() {
        assert_eq!(percent(1_000), "100.0%");
        assert_eq!(percent(987), "98.7%");
        assert_eq!(percent(5), "0.5%");
    }
}

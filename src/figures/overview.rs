//! Everything that one page of the dashboard shows.

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use serde::Serialize;

use super::days::Days;
use super::events::{ENTERED, EventFigures, events};
use super::open::{OPEN, OpenFigures, open};
use super::outcomes::{DECLINED, FAILED, MOST_GROUPS, OutcomeFigures, outcomes};
use super::revenue::{REFUNDS, RevenueFigures, SALES, revenue, sales};
use super::subscriptions::{FLOW, MOST_ROWS, RUNNING, SubscriptionFigures, subscriptions};
use crate::app::App;

/// The figures of some days, and how things stand now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// First day, in the billing time zone.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// When they were read, all on one state of the books.
    pub as_of: DateTime<Utc>,
    /// Money by day.
    pub revenue: RevenueFigures,
    /// Subscriptions now and by day.
    pub subscriptions: SubscriptionFigures,
    /// The event total and by day.
    pub events: EventFigures,
    /// How offers to Toss ended.
    pub outcomes: OutcomeFigures,
    /// What is being found out.
    pub open: OpenFigures,
}

/// The figures of `days`, and how things stand at `now`: nine statements on one state of the books, one after the other on one
/// connection, so that a page that is reloaded leaves the others to purchases.
///
/// # Errors
/// The database's own.
pub async fn overview(app: &App, days: &Days, now: DateTime<Utc>) -> Result<Overview, DbErr> {
    let snapshot = app.db.snapshot().await?;
    let db = snapshot.connection();
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared(QUICKLY).await?;
    }
    let sales = sales(db, days).await?;
    Ok(Overview {
        from: days.first(),
        to: days.last_day(),
        as_of: now,
        revenue: revenue(db, days, &sales).await?,
        subscriptions: subscriptions(db, days, now).await?,
        events: events(db, days).await?,
        outcomes: outcomes(db, days, &sales).await?,
        open: open(db).await?,
    })
}

/// PostgreSQL takes the days for far more rows than they have, and would compile each statement for longer than it runs.
/// Nobody waits longer for a page than this.
const QUICKLY: &str = "SET LOCAL jit = off; SET LOCAL statement_timeout = '10s'";

/// The statements of [`overview`] that look at tables which grow, with their names: for those who want to see how the database
/// answers them.
pub fn statements(backend: DbBackend, days: &Days, now: DateTime<Utc>) -> Vec<(&'static str, Statement)> {
    let plain = |sql, values: Vec<sea_orm::Value>| Statement::from_sql_and_values(backend, sql, values);
    let (since, until) = (days.since(), days.until());
    vec![
        ("sales", days.statement(backend, SALES, Vec::new())),
        ("refunds", days.statement(backend, REFUNDS, Vec::new())),
        ("running", plain(RUNNING, vec![now.into(), MOST_ROWS.into()])),
        ("flow", days.statement(backend, FLOW, vec![now.into()])),
        ("entered", days.statement(backend, ENTERED, Vec::new())),
        ("failed", plain(FAILED, vec![since.into(), until.into(), MOST_GROUPS.into()])),
        ("declined", plain(DECLINED, vec![since.into(), until.into()])),
        ("open", plain(OPEN, Vec::new())),
    ]
}

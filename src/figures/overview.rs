//! Everything that one page of the dashboard shows.

use std::time::{Duration, Instant};

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

/// Nobody waits longer for a page than this; what is not read by then is given up.
pub const WITHIN: Duration = Duration::from_secs(15);

/// The figures of `days`, and how things stand at `now`: nine statements on one state of the books, one after the other on one
/// connection, so that a page that is reloaded leaves the others to purchases. PostgreSQL ends them after [`WITHIN`] in all;
/// SQLite begins none after that.
///
/// # Errors
/// The database's own; one that says it is not available when it took too long.
pub async fn overview(app: &App, days: &Days, now: DateTime<Utc>) -> Result<Overview, DbErr> {
    let end = Instant::now() + WITHIN;
    let snapshot = app.db.snapshot().await?;
    let db = snapshot.connection();
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared(QUICKLY).await?;
    }
    in_time(db, end).await?;
    let sales = sales(db, days).await?;
    in_time(db, end).await?;
    let revenue = revenue(db, days, &sales).await?;
    in_time(db, end).await?;
    let subscriptions = subscriptions(db, days, now).await?;
    in_time(db, end).await?;
    let events = events(db, days).await?;
    in_time(db, end).await?;
    let outcomes = outcomes(db, days, &sales).await?;
    in_time(db, end).await?;
    let open = open(db).await?;
    let (from, to) = (days.first(), days.last_day());
    Ok(Overview { from, to, as_of: now, revenue, subscriptions, events, outcomes, open })
}

/// Lets the next statement run no longer than until `end`.
async fn in_time(db: &impl ConnectionTrait, end: Instant) -> Result<(), DbErr> {
    let left = end.saturating_duration_since(Instant::now()).as_millis();
    if left == 0 {
        return Err(DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout));
    }
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared(&format!("SET LOCAL statement_timeout = {left}")).await?;
    }
    Ok(())
}

/// PostgreSQL takes the days for far more rows than they have, and would compile each statement for longer than it runs.
const QUICKLY: &str = "SET LOCAL jit = off";

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

//! The event total, and what was entered by day.

use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use serde::Serialize;

use super::days::Days;
use crate::event_amounts;

/// What was entered on one day. It counts when it was entered, which is when we heard of it from Toss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventDay {
    /// The day, in the billing time zone.
    pub day: NaiveDate,
    /// How much came in, in won.
    pub added: i64,
    /// How much went back, in won.
    pub taken: i64,
    /// Entries of both kinds.
    pub entries: i64,
}

/// The event total and how it came to that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventFigures {
    /// The sum of all entries ever, in won.
    pub total: i64,
    /// What was entered on every day.
    pub days: Vec<EventDay>,
}

#[derive(Debug, FromQueryResult)]
struct Entered {
    n: i64,
    added: i64,
    taken: i64,
    number: i64,
}

pub(super) const ENTERED: &str = "
    SELECT d.n AS n, CAST(SUM(CASE WHEN e.amount > 0 THEN e.amount ELSE 0 END) AS bigint) AS added,
        CAST(SUM(CASE WHEN e.amount < 0 THEN -e.amount ELSE 0 END) AS bigint) AS taken, COUNT(*) AS number
    FROM local_day d CROSS JOIN event_amount e
    WHERE e.created_at >= d.since AND e.created_at < d.until
    GROUP BY d.n";

/// The event total, and the entries of `days`.
pub(super) async fn events(db: &impl ConnectionTrait, days: &Days) -> Result<EventFigures, DbErr> {
    let statement = days.statement(db.get_database_backend(), ENTERED, Vec::new());
    let entered = Entered::find_by_statement(statement).all(db).await?;
    let mut by_day = days.map(|day| EventDay { day, added: 0, taken: 0, entries: 0 });
    for row in entered {
        if let Some(day) = usize::try_from(row.n).ok().and_then(|n| by_day.get_mut(n)) {
            (day.added, day.taken, day.entries) = (row.added, row.taken, row.number);
        }
    }
    Ok(EventFigures { total: event_amounts::total(db).await?, days: by_day })
}

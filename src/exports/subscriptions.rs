//! Subscriptions as CSV.

use chrono::{DateTime, Utc};
use entity::subscription::SubscriptionStatus;

use super::rows::{Cell, Csv, stream};
use crate::app::App;
use crate::subscriptions::{Listed, SubscriptionFilter, list};

const HEADER: &[&str] = &[
    "id",
    "user_id",
    "plan_id",
    "status",
    "is_active",
    "start_date",
    "end_date",
    "created_at",
    "updated_at",
];

/// Subscriptions that `filter` wants, newest first, as the clock shows them at `now`: all by the same instant.
pub fn subscriptions(app: &App, filter: SubscriptionFilter, now: DateTime<Utc>) -> Csv {
    let app = app.clone();
    stream("subscriptions", HEADER, move |page| {
        let (app, filter) = (app.clone(), filter.clone());
        async move { Ok(list(app.db.read(), filter, &page, now).await?.map(row)) }
    })
}

fn row(listed: Listed) -> Vec<Cell> {
    let Listed { row, status, plan_id } = listed;
    vec![
        Cell::text(row.id.to_string()),
        Cell::text(row.user_id.as_str()),
        Cell::text(plan_id.to_string()),
        Cell::word(&status),
        Cell::flag(status == SubscriptionStatus::Active),
        Cell::instant(row.start_date),
        Cell::instant(row.end_date),
        Cell::instant(row.created_at),
        Cell::instant(row.updated_at),
    ]
}

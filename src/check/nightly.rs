//! The nightly check: its breaches become findings, which are over when they are gone.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::finding::{self, FindingSource};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};

use super::{Breach, Report, check};
use crate::app::App;
use crate::db::transact;
use crate::findings::{self, Found, Kind};
use crate::{event_amounts, subscriptions};

/// Checks, and writes down what does not hold. Returns how many breaches there are.
///
/// # Errors
/// The database's own; what was written stays written.
pub async fn nightly(app: &App, now: DateTime<Utc>) -> Result<u64, DbErr> {
    subscriptions::reopen(app, now).await?;
    let report = check(app).await?;
    let found = findings_of(&report);
    for found in &found {
        let (subject, detail) = (&found.subject, &found.detail);
        tracing::error!(subject, detail, "needs a person: an invariant of our books does not hold");
    }
    findings::report_all(app, &found, now).await?;
    // What was cut off the list is not gone.
    if !report.more {
        transact!(app.db, |tx| {
            let gone = finding::Entity::update_many()
                .col_expr(finding::Column::ResolvedAt, Expr::value(now))
                .filter(finding::Column::Kind.eq(Kind::InvariantBroken.name()))
                .filter(finding::Column::Source.eq(FindingSource::Check))
                .filter(finding::Column::ResolvedAt.is_null())
                .filter(finding::Column::LastSeenAt.lt(now));
            gone.exec(tx).await.map(drop)
        })?;
    }
    // Whatever was found: the sum is of what the books hold.
    event_amounts::close(app, now).await?;
    event_amounts::correct(app).await?;
    Ok(u64::try_from(report.breaches.len()).unwrap_or(u64::MAX))
}

/// One finding for all that breaks one rule in one place.
fn findings_of(report: &Report) -> Vec<Found> {
    let mut by_subject: BTreeMap<String, (&Breach, Vec<&str>)> = BTreeMap::new();
    for breach in &report.breaches {
        let subject = super::subject(breach.rule, breach.about());
        by_subject.entry(subject).or_insert((breach, Vec::new())).1.push(&breach.detail);
    }
    let found = by_subject.into_iter().map(|(subject, (breach, details))| Found {
        kind: Kind::InvariantBroken,
        subject,
        source: FindingSource::Check,
        order_id: breach.order_id.clone(),
        payment_key: None,
        detail: details.join("; "),
        ours: None,
        theirs: None,
    });
    found.collect()
}

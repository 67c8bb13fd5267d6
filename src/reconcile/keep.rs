//! Writes down what a person must see, and notes when it is over.

use chrono::{DateTime, Utc};
use entity::finding::{self, FindingSource};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::report::{Difference, Outcome};
use crate::app::App;
use crate::db::transact;
use crate::findings::{self, Found, Kind};
use crate::telemetry::shorten;

/// Findings of earlier runs that one run looks at again, at most.
const MOST_LOOKED_AT_AGAIN: u64 = 200;

/// Writes down what `differences` leave to people.
///
/// # Errors
/// The database's own.
pub(super) async fn report(app: &App, differences: &[Difference]) -> Result<(), DbErr> {
    let found: Vec<Found> = differences
        .iter()
        .filter(|difference| difference.outcome == Outcome::Reported)
        .map(Found::from)
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    for found in &found {
        tracing::error!(
            kind = found.kind.name(),
            order_id = found.order_id,
            payment_key = found.payment_key.as_deref().map(shorten),
            ours = found.ours,
            theirs = found.theirs,
            detail = found.detail,
            "needs a person: our books and Toss's differ"
        );
    }
    findings::report_all(app, &found, app.clock.now()).await
}

/// The open findings of earlier comparisons, last seen before `began`; those that waited longest come first.
///
/// # Errors
/// The database's own.
pub(super) async fn earlier(app: &App, began: DateTime<Utc>) -> Result<Vec<finding::Model>, DbErr> {
    finding::Entity::find()
        .filter(finding::Column::ResolvedAt.is_null())
        .filter(finding::Column::Source.eq(FindingSource::Reconcile))
        .filter(finding::Column::LastSeenAt.lt(began))
        .order_by_asc(finding::Column::LastSeenAt)
        .order_by_asc(finding::Column::Id)
        .limit(MOST_LOOKED_AT_AGAIN)
        .all(app.db.read())
        .await
}

/// Notes that what `found` says no longer holds.
///
/// # Errors
/// The database's own.
pub(super) async fn over(app: &App, found: &finding::Model) -> Result<(), DbErr> {
    let Some(kind) = Kind::named(&found.kind) else { return Ok(()) };
    let now = app.clock.now();
    tracing::info!(kind = found.kind, order_id = found.order_id, "a difference is over");
    transact!(app.db, |tx| { findings::resolve(tx, kind, &found.subject, now).await.map(drop) })
}

impl From<&Difference> for Found {
    fn from(difference: &Difference) -> Self {
        Self {
            kind: difference.kind,
            subject: difference.subject().to_owned(),
            source: FindingSource::Reconcile,
            order_id: Some(difference.order_id.clone()),
            payment_key: difference.payment_key.clone(),
            detail: difference.detail.clone(),
            ours: difference.ours.clone(),
            theirs: difference.theirs.clone(),
        }
    }
}

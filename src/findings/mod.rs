//! What a machine cannot decide: written once however often it is seen, shown to people until it is over.

use chrono::{DateTime, Utc};
use entity::finding::{self, FindingSource};
use entity::{FindingId, OrderId, PaymentKey};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};

use crate::app::App;
use crate::db::{Tx, transact};
use crate::toss::Failure;

/// The subject of findings about Toss as a whole.
pub(crate) const TOSS: &str = "toss";

/// What kind of thing a person must look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Toss took money that our books do not have.
    MissingHere,
    /// Our books have money that Toss does not.
    MissingAtToss,
    /// The amounts differ.
    AmountDiffers,
    /// The states differ.
    StateDiffers,
    /// Toss's answer about a payment cannot be applied to our books.
    Unapplicable,
    /// Toss refuses our key or contract.
    Misconfigured,
    /// An invariant of our own books does not hold.
    InvariantBroken,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 7] = [
        Kind::MissingHere,
        Kind::MissingAtToss,
        Kind::AmountDiffers,
        Kind::StateDiffers,
        Kind::Unapplicable,
        Kind::Misconfigured,
        Kind::InvariantBroken,
    ];

    /// Its name in tables and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingHere => "MISSING_HERE",
            Self::MissingAtToss => "MISSING_AT_TOSS",
            Self::AmountDiffers => "AMOUNT_DIFFERS",
            Self::StateDiffers => "STATE_DIFFERS",
            Self::Unapplicable => "UNAPPLICABLE",
            Self::Misconfigured => "MISCONFIGURED",
            Self::InvariantBroken => "INVARIANT_BROKEN",
        }
    }

    /// The kind called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Something found.
#[derive(Clone, Debug)]
pub struct Found {
    /// What kind of thing.
    pub kind: Kind,
    /// What it is about; with the kind it tells one thing from another.
    pub subject: String,
    /// Who found it.
    pub source: FindingSource,
    /// The order, where it is about one.
    pub order_id: Option<String>,
    /// The payment at Toss, where it is about one.
    pub payment_key: Option<String>,
    /// What is wrong, for operators.
    pub detail: String,
    /// What our books say.
    pub ours: Option<String>,
    /// What Toss's books say.
    pub theirs: Option<String>,
}

impl Found {
    /// Something about an order, found while applying what Toss says.
    pub fn unapplicable(order_id: &OrderId, payment_key: Option<&PaymentKey>, detail: String) -> Self {
        Self {
            kind: Kind::Unapplicable,
            subject: order_id.to_string(),
            source: FindingSource::Settle,
            order_id: Some(order_id.to_string()),
            payment_key: payment_key.map(ToString::to_string),
            detail,
            ours: None,
            theirs: None,
        }
    }

    /// Toss refuses our key or contract.
    pub fn misconfigured(failure: &Failure) -> Self {
        Self {
            kind: Kind::Misconfigured,
            subject: TOSS.to_owned(),
            source: FindingSource::Settle,
            order_id: None,
            payment_key: None,
            detail: format!("Toss refuses our key or contract: {} {}", failure.code, failure.message),
            ours: None,
            theirs: None,
        }
    }
}

/// Findings that one transaction writes at most.
const BATCH: usize = 100;

/// Writes all of `found` down, some at a time.
///
/// # Errors
/// The database's own; what was written stays written.
pub(crate) async fn report_all(app: &App, found: &[Found], now: DateTime<Utc>) -> Result<(), DbErr> {
    for batch in found.chunks(BATCH) {
        transact!(app.db, |tx| {
            for found in batch {
                report(tx, found, now).await?;
            }
            Ok::<_, DbErr>(())
        })?;
    }
    Ok(())
}

/// Writes `found` down, or that it has been seen again.
///
/// # Errors
/// The database's own.
pub async fn report(tx: &Tx, found: &Found, now: DateTime<Utc>) -> Result<(), DbErr> {
    let row = finding::ActiveModel {
        id: Set(FindingId::new()),
        kind: Set(found.kind.name().to_owned()),
        subject: Set(found.subject.chars().take(300).collect()),
        source: Set(found.source),
        order_id: Set(found.order_id.clone()),
        payment_key: Set(found.payment_key.clone()),
        detail: Set(found.detail.chars().take(1_000).collect()),
        ours: Set(found.ours.clone()),
        theirs: Set(found.theirs.clone()),
        first_seen_at: Set(now),
        last_seen_at: Set(now),
        resolved_at: Set(None),
    };
    use finding::Column;
    let again = OnConflict::columns([Column::Kind, Column::Subject])
        .update_columns([
            Column::Source,
            Column::OrderId,
            Column::PaymentKey,
            Column::Detail,
            Column::Ours,
            Column::Theirs,
            Column::LastSeenAt,
            Column::ResolvedAt,
        ])
        .to_owned();
    finding::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await.map(drop)
}

/// Notes that one thing is over, if it was ever found.
///
/// # Errors
/// The database's own.
pub async fn resolve(tx: &Tx, kind: Kind, subject: &str, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let over = finding::Entity::update_many()
        .col_expr(finding::Column::ResolvedAt, Expr::value(now))
        .filter(finding::Column::Kind.eq(kind.name()))
        .filter(finding::Column::Subject.eq(subject))
        .filter(finding::Column::ResolvedAt.is_null());
    Ok(over.exec(tx).await?.rows_affected)
}

/// Writes `found` down in a transaction of its own; that it cannot be written stops nothing.
pub(crate) async fn note(app: &App, found: Found) {
    tracing::error!(
        kind = found.kind.name(),
        subject = found.subject,
        detail = found.detail,
        "needs a person: it is in GET /v1/admin/attention"
    );
    let now = app.clock.now();
    let written = transact!(app.db, |tx| { report(tx, &found, now).await });
    if let Err(error) = written {
        tracing::error!(%error, "needs a person: a finding cannot be written down");
    }
}

//! Callers' own `Idempotency-Key`s: what was asked under one is done once, and answered the same way for a day.
//!
//! A request claims its key under a lease (`take`), writes down what it makes in the transaction that makes it
//! ([`Claim::made`]), and keeps its answer (`keep`). After a crash, the row tells where it happened: with nothing
//! made, the request is run again under a new claim, which shuts the old one out; with something made, the answer is
//! read from that.

use std::fmt::Display;

use chrono::{DateTime, Duration, Utc};
use entity::{ClaimId, idempotency_key};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};

mod finish;
mod purge;
mod standing;
mod take;

pub(crate) use finish::{keep, let_go, stay};
pub use purge::purge;
pub(crate) use standing::{Under, standing};
pub(crate) use take::{Asked, Taken, take};

use crate::db::Tx;

/// How long a key is remembered, from its first use.
const LIFETIME: Duration = Duration::hours(24);
/// How long a request's work is believed to go on without a sign.
const LEASE: Duration = Duration::seconds(15);

/// The right to do what a key was sent for. It is lost to whoever takes the key over once its lease has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    row: ClaimId,
    claim: ClaimId,
}

/// Why nothing may be made under a claim; the transaction must be undone.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another request has taken the key over, or the key is free again.
    #[error("the claim is another's by now")]
    Lost,
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// An answer as it is kept and repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The headers that belong to it.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: String,
}

impl Claim {
    fn of(row: &idempotency_key::Model) -> Self {
        Self { row: row.id, claim: row.claim }
    }

    /// Writes down what the transaction makes, so that no other request under the key makes it again.
    ///
    /// # Errors
    /// [`ClaimError::Lost`] when the claim is no longer the caller's or has made something before.
    pub async fn made(&self, tx: &Tx, resource: &impl Display) -> Result<(), ClaimError> {
        use idempotency_key::Column;
        let written = idempotency_key::Entity::update_many()
            .col_expr(Column::Resource, Expr::value(resource.to_string()))
            .filter(Column::Id.eq(self.row))
            .filter(Column::Claim.eq(self.claim))
            .filter(Column::Resource.is_null())
            .filter(Column::ResponseStatus.is_null())
            .exec(tx)
            .await?;
        if written.rows_affected == 1 { Ok(()) } else { Err(ClaimError::Lost) }
    }
}

/// [`Claim::made`] for requests that may have come without a key.
///
/// # Errors
/// [`ClaimError`].
pub async fn made(tx: &Tx, claim: Option<&Claim>, resource: &impl Display) -> Result<(), ClaimError> {
    match claim {
        Some(claim) => claim.made(tx, resource).await,
        None => Ok(()),
    }
}

/// Until when work that shows a sign of life at `now` is believed to go on.
fn lease_from(now: DateTime<Utc>) -> DateTime<Utc> {
    now + LEASE
}

//! Ends a claim: keeps its answer, or lets the key go; and shows, until then, that its work goes on.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::idempotency_key::{self, Column};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, UpdateMany};

use super::{Claim, Kept, lease_from};
use crate::app::App;
use crate::db::{Tx, transact};

/// How often work shows that it goes on; three times within a lease.
const SIGN_OF_LIFE: std::time::Duration = std::time::Duration::from_secs(5);

impl Kept {
    /// The answer that `row` holds, if it holds one.
    pub(super) fn of(row: &idempotency_key::Model) -> Option<Self> {
        let status = row.response_status.and_then(|status| u16::try_from(status).ok())?;
        let headers: BTreeMap<String, String> = row
            .response_headers
            .as_ref()
            .and_then(|headers| serde_json::from_value(headers.clone()).ok())
            .unwrap_or_default();
        Some(Self {
            status,
            headers: headers.into_iter().collect(),
            body: row.response_body.as_deref()?.to_owned(),
        })
    }

    fn headers(&self) -> serde_json::Value {
        self.headers
            .iter()
            .map(|(name, value)| (name.clone(), serde_json::Value::from(value.as_str())))
            .collect()
    }
}

/// Keeps `answer` for the rest of the key's life. Returns the answer that counts: of two that were found at the same
/// time, the one that was kept first.
///
/// # Errors
/// The database's own.
pub(crate) async fn keep(app: &App, claim: Claim, answer: Kept) -> Result<Kept, DbErr> {
    transact!(app.db, |tx| {
        let kept = open(claim)
            .col_expr(Column::ResponseStatus, Expr::value(i32::from(answer.status)))
            .col_expr(Column::ResponseHeaders, Expr::value(answer.headers()))
            .col_expr(Column::ResponseBody, Expr::value(answer.body.as_str()))
            .exec(tx)
            .await?;
        if kept.rows_affected == 1 {
            return Ok(answer.clone());
        }
        // Somebody else has answered: in the place of a lost claim, or with the standing of what it has made.
        let row = idempotency_key::Entity::find_by_id(claim.row).one(tx).await?;
        Ok::<_, DbErr>(row.as_ref().and_then(Kept::of).unwrap_or_else(|| answer.clone()))
    })
}

/// Ends the work without an answer that is worth keeping. If nothing was made, the key is free again; if something was,
/// the next request with the key is told how that stands.
///
/// # Errors
/// The database's own; the lease then ends by itself.
pub(crate) async fn let_go(app: &App, claim: Claim, now: DateTime<Utc>) -> Result<(), DbErr> {
    transact!(app.db, |tx| {
        // Work that is still under way finds its claim gone and makes nothing.
        let freed = idempotency_key::Entity::delete_many()
            .filter(Column::Id.eq(claim.row))
            .filter(Column::Claim.eq(claim.claim))
            .filter(Column::ResponseStatus.is_null())
            .filter(Column::Resource.is_null())
            .exec(tx)
            .await?;
        if freed.rows_affected == 0 { lease(tx, claim, now).await } else { Ok(()) }
    })
}

/// Shows beside the work that it goes on, for as long as it is polled; it never ends by itself.
pub(crate) async fn stay<T>(app: &App, claim: Claim) -> T {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        let renewed = transact!(app.db, |tx| { lease(tx, claim, lease_from(app.clock.now())).await });
        if let Err(error) = renewed {
            tracing::warn!(%error, "the lease of an idempotency key could not be renewed");
        }
    }
}

async fn lease(tx: &Tx, claim: Claim, until: DateTime<Utc>) -> Result<(), DbErr> {
    open(claim).col_expr(Column::LeaseUntil, Expr::value(until)).exec(tx).await.map(drop)
}

/// The row of `claim`, as long as the claim holds and nothing is answered.
fn open(claim: Claim) -> UpdateMany<idempotency_key::Entity> {
    idempotency_key::Entity::update_many()
        .filter(Column::Id.eq(claim.row))
        .filter(Column::Claim.eq(claim.claim))
        .filter(Column::ResponseStatus.is_null())
}

//! Claims a key, or says what became of the request that came with it first.

use chrono::{DateTime, Utc};
use entity::{ClaimId, idempotency_key};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};

use super::{Claim, Kept, LIFETIME, lease_from};
use crate::app::App;
use crate::db::{Tx, transact};

/// How often a key is tried that is let go in the moment in which it is looked at.
const MOST_TRIES: u32 = 3;

/// What is asked under which key.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Whose key it is, at most 100 characters.
    pub(crate) caller: String,
    /// The key, 1 to 255 characters.
    pub(crate) key: String,
    /// A digest of the request.
    pub(crate) fingerprint: String,
}

/// What a key says to a request that comes with it.
#[derive(Clone, Debug)]
pub(crate) enum Taken {
    /// This request does the work: the key is new, or whoever had it died before anything was made.
    Ours(Claim),
    /// The work has made this, but nobody has got a final answer yet.
    Made(Claim, String),
    /// The work is done, and this is its answer.
    Answered(Kept),
    /// The work goes on.
    Running,
    /// The key came with another request before.
    Reused,
}

/// Claims the key of `asked`, unless it has been claimed before.
///
/// # Errors
/// The database's own; nothing is claimed then.
pub(crate) async fn take(app: &App, asked: &Asked, now: DateTime<Utc>) -> Result<Taken, DbErr> {
    transact!(app.db, |tx| {
        let row = fresh(asked, now);
        for _ in 0..MOST_TRIES {
            let inserted = idempotency_key::Entity::insert(row.clone().into_active_model())
                .on_conflict(OnConflict::new().do_nothing().to_owned())
                .exec_without_returning(tx)
                .await?;
            if inserted == 1 {
                return Ok(Taken::Ours(Claim::of(&row)));
            }
            if let Some(known) = locked(tx, asked).await? {
                return known_key(tx, known, row, now).await;
            }
        }
        Ok(Taken::Running)
    })
}

fn fresh(asked: &Asked, now: DateTime<Utc>) -> idempotency_key::Model {
    idempotency_key::Model {
        id: ClaimId::new(),
        caller: asked.caller.clone(),
        key: asked.key.clone(),
        fingerprint: asked.fingerprint.clone(),
        claim: ClaimId::new(),
        lease_until: lease_from(now),
        resource: None,
        response_status: None,
        response_headers: None,
        response_body: None,
        created_at: now,
        expires_at: now + LIFETIME,
    }
}

async fn locked(tx: &Tx, asked: &Asked) -> Result<Option<idempotency_key::Model>, DbErr> {
    use idempotency_key::Column;
    idempotency_key::Entity::find()
        .filter(Column::Caller.eq(asked.caller.as_str()))
        .filter(Column::Key.eq(asked.key.as_str()))
        .lock_exclusive()
        .one(tx)
        .await
}

/// What a key says that came before; `fresh` is the row that it would get as a new one.
async fn known_key(
    tx: &Tx,
    known: idempotency_key::Model,
    fresh: idempotency_key::Model,
    now: DateTime<Utc>,
) -> Result<Taken, DbErr> {
    if known.expires_at <= now {
        // It counts as absent. The new row's id shuts out whoever still holds the old one.
        idempotency_key::Entity::delete_by_id(known.id).exec(tx).await?;
        fresh.clone().into_active_model().insert(tx).await?;
        return Ok(Taken::Ours(Claim::of(&fresh)));
    }
    if known.fingerprint != fresh.fingerprint {
        return Ok(Taken::Reused);
    }
    if let Some(kept) = Kept::of(&known) {
        return Ok(Taken::Answered(kept));
    }
    if known.lease_until > now {
        return Ok(Taken::Running);
    }
    let claim = Claim::of(&known);
    if let Some(resource) = known.resource {
        return Ok(Taken::Made(claim, resource));
    }
    let row = idempotency_key::Model { claim: fresh.claim, lease_until: fresh.lease_until, ..known };
    let claim = Claim::of(&row);
    row.into_active_model().reset_all().update(tx).await?;
    Ok(Taken::Ours(claim))
}

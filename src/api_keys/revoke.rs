//! Takes an API key back. This process refuses it at once, others within seconds.

use chrono::{DateTime, Utc};
use entity::{ApiKeyId, api_key};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};
use serde_json::json;

use crate::app::App;
use crate::audit::{self, Act, Action, Actor};
use crate::db::transact;

/// Why no key is revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// No key is known by this.
    #[error("no such key")]
    NotFound,
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Revokes the key whose id or prefix is `named` and returns it; one that was revoked before stays as it was.
///
/// # Errors
/// [`RevokeError`].
pub async fn revoke(
    app: &App,
    named: &str,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<api_key::Model, RevokeError> {
    let query = match named.parse::<ApiKeyId>() {
        Ok(id) => api_key::Entity::find_by_id(id),
        Err(_) => api_key::Entity::find().filter(api_key::Column::Prefix.eq(named)),
    };
    let revoked = transact!(app.db, |tx| {
        let found = query.clone().lock_exclusive().one(tx).await?;
        let key = found.ok_or(RevokeError::NotFound)?;
        if key.revoked_at.is_some() {
            return Ok(key);
        }
        let act = Act::new(Action::ApiKeyRevoke, key.id);
        let act = act.made(json!({"prefix": key.prefix, "revokedAt": now}));
        let mut row = key.into_active_model();
        row.revoked_at = Set(Some(now));
        let revoked = row.update(tx).await?;
        audit::write(tx, actor, &act, now).await?;
        Ok::<_, RevokeError>(revoked)
    })?;
    app.api_keys.forget(&revoked.hash);
    Ok(revoked)
}

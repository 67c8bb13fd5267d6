//! Makes an API key. Only its maker ever sees it.

use chrono::{DateTime, Utc};
use entity::ApiKeyId;
use entity::api_key::{self, ApiKeyRole};
use sea_orm::{ActiveModelTrait, DbErr, IntoActiveModel};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::text;
use crate::app::App;
use crate::audit::{self, Act, Action, Actor};
use crate::config::TossKeyKind;
use crate::db::transact;

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What it may do.
    pub role: ApiKeyRole,
    /// What people call it, 1 to 100 characters.
    pub name: Option<String>,
    /// From which instant on it is refused; none for a key without an end.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key that was made.
#[derive(Debug)]
pub struct Created {
    /// What is kept of it.
    pub row: api_key::Model,
    /// The key, to be shown once.
    pub key: SecretString,
}

/// Why no key is made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// It would never be good.
    #[error("the key would expire before it is made")]
    ExpiresInThePast,
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Makes a key of the kind of the Toss key in use, so that nobody takes one for tests for one that moves money.
///
/// # Errors
/// [`CreateError`].
pub async fn create(
    app: &App,
    new: NewKey,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<Created, CreateError> {
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(CreateError::ExpiresInThePast);
    }
    let key = text::generate(app.config.toss_key_kind() == Some(TossKeyKind::Live));
    let row = api_key::Model {
        id: ApiKeyId::new(),
        name: new.name,
        role: new.role,
        prefix: text::prefix(&key),
        hash: text::hex(&text::digest(key.expose_secret())),
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    let act = Act::new(Action::ApiKeyCreate, row.id).made(json!({
        "prefix": row.prefix,
        "role": super::list::role(row.role),
        "name": row.name,
        "expiresAt": row.expires_at,
    }));
    transact!(app.db, |tx| {
        row.clone().into_active_model().insert(tx).await?;
        audit::write(tx, actor, &act, now).await
    })
    .map_err(CreateError::Database)?;
    Ok(Created { row, key })
}

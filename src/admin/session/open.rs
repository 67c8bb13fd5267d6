//! Opens, finds and ends sessions.

use chrono::{DateTime, Utc};
use entity::admin_session;
use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, Statement};
use secrecy::ExposeSecret;

use super::Cookie;
use crate::app::App;
use crate::auth;
use crate::db::transact;

/// Sessions that have run out and that one sign-in clears away.
const CLEARED: i64 = 1_000;

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub(in crate::admin) enum SignInError {
    /// It is not the admin key, or there is none.
    #[error("a wrong key")]
    WrongKey,
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Opens a session for whoever knows the admin key; always a new one.
///
/// # Errors
/// [`SignInError`].
pub(in crate::admin) async fn open(app: &App, key: &str, now: DateTime<Utc>) -> Result<Cookie, SignInError> {
    if !auth::is_admin_key(&app.config.auth, key) {
        return Err(SignInError::WrongKey);
    }
    let credential = credential(app).ok_or(SignInError::WrongKey)?;
    let expires_at = now + app.config.dashboard.session_ttl();
    let cookie = Cookie::new(expires_at);
    let row = admin_session::Model { id: cookie.id(), credential, created_at: now, expires_at };
    transact!(app.db, |tx| {
        row.clone().into_active_model().insert(tx).await?;
        let values = [now.into(), CLEARED.into()];
        let old = Statement::from_sql_and_values(tx.get_database_backend(), CLEAR, values);
        tx.execute_raw(old).await.map(drop)
    })?;
    Ok(cookie)
}

const CLEAR: &str = "
    DELETE FROM admin_session WHERE id IN (SELECT s.id FROM admin_session s
        WHERE s.expires_at <= $1 ORDER BY s.expires_at LIMIT $2)";

/// The id of the session of `cookie`, unless somebody signed out, it has expired, or the key is another by now.
///
/// # Errors
/// The database's own.
pub(in crate::admin) async fn find(
    app: &App,
    cookie: &Cookie,
    now: DateTime<Utc>,
) -> Result<Option<String>, DbErr> {
    let found = admin_session::Entity::find_by_id(cookie.id()).one(app.db.read()).await?;
    let current = credential(app);
    let good = found.filter(|row| now < row.expires_at && current.as_ref() == Some(&row.credential));
    Ok(good.map(|row| row.id))
}

/// Ends the session `id`, on every replica.
///
/// # Errors
/// The database's own.
pub(in crate::admin) async fn forget(app: &App, id: &str) -> Result<(), DbErr> {
    transact!(app.db, |tx| { admin_session::Entity::delete_by_id(id).exec(tx).await.map(drop) })
}

/// Which key is in force, told without the key.
fn credential(app: &App) -> Option<String> {
    let key = app.config.auth.admin_key.as_ref()?;
    Some(app.signer.sign("admin-credential", &[key.expose_secret()]))
}

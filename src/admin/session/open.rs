//! Opens, finds and ends sessions.

use chrono::{DateTime, Utc};
use entity::admin_session;
use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, Statement};

use super::Cookie;
use super::key::Key;
use crate::app::App;
use crate::audit::{self, Act, Action, Actor};
use crate::db::transact;

/// Sessions that have run out and that one sign-in clears away.
const CLEARED: i64 = 1_000;

/// A session that is still good.
#[derive(Clone, Debug)]
pub(in crate::admin) struct Session {
    /// What the table knows it by.
    pub(in crate::admin) id: String,
    /// Whose key opened it, as the audit log names it.
    pub(in crate::admin) holder: String,
}

/// Opens a session for whoever has shown `key`; always a new one, which does not outlive the key. The audit log tells of it.
/// None if the key is good no more.
///
/// # Errors
/// The database's own.
pub(super) async fn open(
    app: &App,
    key: &Key,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<Option<Cookie>, DbErr> {
    let Some(credential) = key.credential(app) else { return Ok(None) };
    let longest = now + app.config.dashboard.session_ttl();
    let expires_at = key.expires_at().map_or(longest, |end| end.min(longest));
    let cookie = Cookie::new(expires_at);
    let row = admin_session::Model { id: cookie.id(), credential, created_at: now, expires_at };
    transact!(app.db, |tx| {
        row.clone().into_active_model().insert(tx).await?;
        let values = [now.into(), CLEARED.into()];
        let old = Statement::from_sql_and_values(tx.get_database_backend(), CLEAR, values);
        tx.execute_raw(old).await?;
        audit::write(tx, actor, &Act::new(Action::SignIn, "dashboard"), now).await
    })?;
    Ok(Some(cookie))
}

const CLEAR: &str = "
    DELETE FROM admin_session WHERE id IN (SELECT s.id FROM admin_session s
        WHERE s.expires_at <= $1 ORDER BY s.expires_at LIMIT $2)";

/// The session of `cookie`, unless somebody signed out, it has expired, or its key is good no more: `auth.admin_key` is
/// another by now, the key of the table was revoked or has expired.
///
/// # Errors
/// The database's own.
pub(in crate::admin) async fn find(
    app: &App,
    cookie: &Cookie,
    now: DateTime<Utc>,
) -> Result<Option<Session>, DbErr> {
    let found = admin_session::Entity::find_by_id(cookie.id()).one(app.db.read()).await?;
    let Some(row) = found.filter(|row| now < row.expires_at) else { return Ok(None) };
    let key = Key::of_session(app, &row.credential, now).await?;
    Ok(key.map(|key| Session { id: row.id, holder: key.name() }))
}

/// Ends the session `id`, on every replica.
///
/// # Errors
/// The database's own.
pub(in crate::admin) async fn forget(app: &App, id: &str) -> Result<(), DbErr> {
    transact!(app.db, |tx| { admin_session::Entity::delete_by_id(id).exec(tx).await.map(drop) })
}

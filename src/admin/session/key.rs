//! The key that opens a session, and that ends it: `auth.admin_key`, or a key of role `admin` from the table.

use chrono::{DateTime, Utc};
use entity::api_key::ApiKeyRole;
use sea_orm::DbErr;
use secrecy::ExposeSecret;

use crate::api_keys::{Known, Lookup};
use crate::app::App;
use crate::auth;

/// What signatures of the configured key are for.
const PURPOSE: &str = "admin-credential";
/// What stands before the id of a key from the table; no signature has such a character.
const OF_TABLE: &str = "api_key:";

/// A key that is good for the dashboard at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// `auth.admin_key`.
    Configured,
    /// One that was made with `gudok api-key create`.
    Stored(Known),
}

impl Key {
    /// The key that `text` is; none for a key of another role, or one that was revoked or has expired.
    ///
    /// # Errors
    /// The database's own, which is asked only about what looks like a key of its.
    pub(super) async fn of_text(app: &App, text: &str, now: DateTime<Utc>) -> Result<Option<Self>, DbErr> {
        if auth::is_admin_key(&app.config.auth, text) {
            return Ok(Some(Self::Configured));
        }
        match Lookup::find(app, text, now).await? {
            // What is remembered for seconds is not enough to open hours.
            Some(known) => Self::stored(Lookup::still(app, known.id, now).await?),
            None => Ok(None),
        }
    }

    /// The key of a session, by what [`Key::credential`] gave for it; none if it is good no more.
    ///
    /// # Errors
    /// The database's own.
    pub(super) async fn of_session(
        app: &App,
        credential: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, DbErr> {
        if let Some(id) = credential.strip_prefix(OF_TABLE) {
            let Ok(id) = id.parse() else { return Ok(None) };
            return Self::stored(Lookup::still(app, id, now).await?);
        }
        let key = app.config.auth.admin_key.as_ref();
        let same = key.is_some_and(|key| app.signer.verify(PURPOSE, &[key.expose_secret()], credential));
        Ok(same.then_some(Self::Configured))
    }

    fn stored(known: Option<Known>) -> Result<Option<Self>, DbErr> {
        Ok(known.filter(|key| key.role == ApiKeyRole::Admin).map(Self::Stored))
    }

    /// What a session keeps to know its key again, which does not tell the key; none if there is no such key any more.
    pub(super) fn credential(&self, app: &App) -> Option<String> {
        match self {
            Self::Configured => {
                let key = app.config.auth.admin_key.as_ref()?;
                Some(app.signer.sign(PURPOSE, &[key.expose_secret()]))
            }
            Self::Stored(known) => Some(format!("{OF_TABLE}{}", known.id)),
        }
    }

    /// From which instant on it is refused; none for a key without an end.
    pub(super) fn expires_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Configured => None,
            Self::Stored(known) => known.expires_at,
        }
    }

    /// What the audit log calls whoever signed in with it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Configured => "auth.admin_key".to_owned(),
            Self::Stored(known) => known.prefix.clone(),
        }
    }
}

//! Finds out who calls: by one of the two configured keys, by a key of the table, or by a user's JWT. Any doubt is a 401;
//! only where the database cannot be asked it is a 503.

use std::sync::Arc;

use entity::api_key::ApiKeyRole;
use poem::Request;
use poem_openapi::auth::{Bearer, BearerAuthorization};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::OnceCell;

use super::{Caller, Credential, Identity, Principal, jwt};
use crate::api_keys::{self, Lookup};
use crate::app::App;
use crate::config::Auth;
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::origin::origin;
use crate::http::problems::RequestId;

/// Who makes one request, once that has been found out: several look, and all must see the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Once(Arc<OnceCell<Result<Identity, ApiError>>>);

impl Once {
    /// What a log line calls the caller. Users are not named: their ids may be personal.
    pub(crate) fn name(&self) -> String {
        match self.0.get() {
            Some(Ok(Identity { credential: Credential::User(_), .. })) => "user".to_owned(),
            Some(Ok(identity)) => identity.actor().name,
            Some(Err(_)) | None => "nobody".to_owned(),
        }
    }
}

/// Who calls, where no handler finds it out: by the same rules.
///
/// # Errors
/// [`Code::Unauthenticated`] in any doubt.
pub async fn caller(app: &App, request: &Request) -> Result<Caller, ApiError> {
    let bearer = <Bearer as BearerAuthorization>::from_request(request).map_err(|_| Code::Unauthenticated)?;
    identify_once(app, request, &bearer).await.map(Caller)
}

/// Finds out who calls, for a handler.
pub(super) async fn authenticate(request: &Request, bearer: Bearer) -> poem::Result<Identity> {
    let app = request.data::<App>().ok_or_else(|| ApiError::from(Code::Internal))?;
    Ok(identify_once(app, request, &bearer).await?)
}

async fn identify_once(app: &App, request: &Request, bearer: &Bearer) -> Result<Identity, ApiError> {
    match request.data::<Once>() {
        Some(once) => once.0.get_or_init(|| identify(app, request, bearer)).await.clone(),
        None => identify(app, request, bearer).await,
    }
}

async fn identify(app: &App, request: &Request, bearer: &Bearer) -> Result<Identity, ApiError> {
    let (principal, credential) = known(app, &bearer.token).await?.ok_or(Code::Unauthenticated)?;
    let address = origin(request, &app.config.server.trusted_proxies);
    let request_id = request.data::<RequestId>().map(|id| id.0.clone());
    Ok(Identity { principal, credential, address, request_id })
}

async fn known(app: &App, token: &str) -> Result<Option<(Principal, Credential)>, ApiError> {
    let auth = &app.config.auth;
    if let Some(known) = configured(auth, token) {
        return Ok(Some(known));
    }
    let now = app.clock.now();
    if api_keys::looks_like_a_key(token) {
        let found = Lookup::find(app, token, now).await?;
        return Ok(found.map(|key| {
            let principal = match key.role {
                ApiKeyRole::Service => Principal::Service,
                ApiKeyRole::Admin => Principal::Admin,
            };
            (principal, Credential::ApiKey { id: key.id, prefix: key.prefix })
        }));
    }
    let user = jwt::user(app, token, now).await;
    Ok(user.map(|user_id| (Principal::User(user_id.clone()), Credential::User(user_id))))
}

/// Which of the two configured keys `token` is.
fn configured(auth: &Auth, token: &str) -> Option<(Principal, Credential)> {
    let digest = Sha256::digest(token.as_bytes());
    // Both are always compared, and in constant time, so that an answer's delay tells nothing about a key.
    let is = |key: &Option<SecretString>| {
        key.as_ref().map(|key| Sha256::digest(key.expose_secret().as_bytes()).ct_eq(&digest))
    };
    let (admin, service) = (is(&auth.admin_key), is(&auth.service_key));
    if admin.is_some_and(bool::from) {
        return Some((Principal::Admin, Credential::AdminKey));
    }
    if service.is_some_and(bool::from) {
        return Some((Principal::Service, Credential::ServiceKey));
    }
    None
}

/// Whether `key` is the admin key, compared in constant time; an unset key is nobody's.
pub(crate) fn is_admin_key(auth: &Auth, key: &str) -> bool {
    let digest = Sha256::digest(key.as_bytes());
    let known = auth.admin_key.as_ref().map(|key| Sha256::digest(key.expose_secret().as_bytes()));
    known.is_some_and(|known| known.ct_eq(&digest).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unset_key_matches_nothing() {
        assert_eq!(configured(&Auth::default(), ""), None);
        let auth = Auth { admin_key: Some("secret".into()), ..Auth::default() };
        assert_eq!(configured(&auth, "secret"), Some((Principal::Admin, Credential::AdminKey)));
        assert_eq!(configured(&auth, "secret2"), None);
    }
}

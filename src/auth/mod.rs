//! Who calls, and what they may do: `user` by JWT, `service` and `admin` by API key.

use entity::UserId;
use poem::Request;
use poem_openapi::SecurityScheme;
use poem_openapi::auth::{Bearer, BearerAuthorization};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::config::Auth;
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::fields::{Fault, FieldError};

mod jwt;
mod signing;

pub use signing::Signer;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// One user of the SaaS, who sees only what is theirs.
    User(UserId),
    /// The SaaS's own servers, which act for any user that they name.
    Service,
    /// An operator, who may do everything.
    Admin,
}

/// An API key, or a user's JWT.
#[derive(Debug, SecurityScheme)]
#[oai(rename = "Bearer", ty = "bearer", bearer_format = "API key or JWT", checker = "authenticate")]
pub struct Caller(pub Principal);

impl Caller {
    /// The user whose records alone may be seen; none when any may.
    pub fn owner(&self) -> Option<UserId> {
        match &self.0 {
            Principal::User(user_id) => Some(user_id.clone()),
            Principal::Service | Principal::Admin => None,
        }
    }

    /// Only for operators.
    ///
    /// # Errors
    /// [`Code::Forbidden`] to anybody else.
    pub fn admin(&self) -> Result<(), ApiError> {
        match self.0 {
            Principal::Admin => Ok(()),
            Principal::User(_) | Principal::Service => Err(Code::Forbidden.into()),
        }
    }

    /// The user that a write is for: a user's own, or the one that a service names.
    ///
    /// # Errors
    /// [`Code::Forbidden`] when a user names another, a missing field when a service names none.
    pub fn acting_for(&self, named: Option<UserId>) -> Result<UserId, ApiError> {
        match (&self.0, named) {
            (Principal::User(own), None) => Ok(own.clone()),
            (Principal::User(own), Some(named)) if own == &named => Ok(named),
            (Principal::User(_), Some(_)) => Err(Code::Forbidden.into()),
            (Principal::Service | Principal::Admin, Some(named)) => Ok(named),
            (Principal::Service | Principal::Admin, None) => {
                Err(FieldError::new("userId", Fault::Missing).into())
            }
        }
    }

    /// The user whose rows a list shows; none for all users, which only operators may see, unless the list is
    /// `narrowed` to one record anyway.
    ///
    /// # Errors
    /// [`Code::Forbidden`] when a user names another or a service names nobody.
    pub fn listing(&self, named: Option<UserId>, narrowed: bool) -> Result<Option<UserId>, ApiError> {
        match (&self.0, named) {
            (Principal::Service, None) if narrowed => Ok(None),
            (Principal::Service, None) => Err(Code::Forbidden.into()),
            (Principal::User(own), None) => Ok(Some(own.clone())),
            (Principal::User(own), Some(named)) if own != &named => Err(Code::Forbidden.into()),
            (Principal::User(_) | Principal::Service | Principal::Admin, named) => Ok(named),
        }
    }
}

impl Principal {
    /// Whose `Idempotency-Key`s are whose: at most 100 characters, different for different callers.
    pub(crate) fn scope(&self) -> String {
        match self {
            Self::User(user_id) => format!("user:{user_id}"),
            Self::Service => "service".to_owned(),
            Self::Admin => "admin".to_owned(),
        }
    }
}

/// Who calls, where no handler finds it out: by the same rules.
///
/// # Errors
/// [`Code::Unauthenticated`] in any doubt.
pub fn caller(app: &App, request: &Request) -> Result<Caller, ApiError> {
    let bearer = <Bearer as BearerAuthorization>::from_request(request).map_err(|_| Code::Unauthenticated)?;
    identify(app, &bearer).map(Caller)
}

/// Finds out who calls; any doubt is a 401.
async fn authenticate(request: &Request, bearer: Bearer) -> poem::Result<Principal> {
    let app = request.data::<App>().ok_or_else(|| ApiError::from(Code::Internal))?;
    Ok(identify(app, &bearer)?)
}

fn identify(app: &App, bearer: &Bearer) -> Result<Principal, ApiError> {
    let known = principal(&app.config.auth, &bearer.token, app.clock.now());
    known.ok_or_else(|| Code::Unauthenticated.into())
}

fn principal(auth: &Auth, token: &str, now: chrono::DateTime<chrono::Utc>) -> Option<Principal> {
    let digest = Sha256::digest(token.as_bytes());
    // Both are always compared, and in constant time, so that an answer's delay tells nothing about a key.
    let is = |key: &Option<SecretString>| {
        key.as_ref().map(|key| Sha256::digest(key.expose_secret().as_bytes()).ct_eq(&digest))
    };
    let (admin, service) = (is(&auth.admin_key), is(&auth.service_key));
    if admin.is_some_and(bool::from) {
        return Some(Principal::Admin);
    }
    if service.is_some_and(bool::from) {
        return Some(Principal::Service);
    }
    jwt::user(auth, token, now).map(Principal::User)
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

    fn user(id: &str) -> UserId {
        id.parse().expect("a user id")
    }

    #[test]
    fn a_user_never_acts_for_another_and_a_service_says_for_whom() {
        let caller = Caller(Principal::User(user("me")));
        assert_eq!(caller.acting_for(None).expect("own"), user("me"));
        assert_eq!(caller.acting_for(Some(user("you"))).expect_err("other").code, Code::Forbidden);
        assert_eq!(caller.listing(Some(user("you")), true).expect_err("other").code, Code::Forbidden);
        let service = Caller(Principal::Service);
        assert_eq!(service.acting_for(None).expect_err("nobody").code, Code::InvalidRequest);
        assert_eq!(service.listing(None, false).expect_err("nobody").code, Code::Forbidden);
        assert_eq!(Caller(Principal::Admin).listing(None, false).expect("all"), None);
    }

    #[test]
    fn an_unset_key_matches_nothing() {
        let now = chrono::DateTime::UNIX_EPOCH;
        assert_eq!(principal(&Auth::default(), "", now), None);
        let auth = Auth { admin_key: Some("secret".into()), ..Auth::default() };
        assert_eq!(principal(&auth, "secret", now), Some(Principal::Admin));
        assert_eq!(principal(&auth, "secret2", now), None);
    }
}

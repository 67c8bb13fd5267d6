//! Who calls, and what they may do: `user` by JWT, `service` and `admin` by API key.

use entity::UserId;
use poem_openapi::SecurityScheme;

use crate::audit::Actor;
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::fields::{Fault, FieldError};

pub mod access;
mod credential;
mod identify;
mod jwks;
mod jwt;
mod signing;

pub use credential::{Credential, Identity};
pub(crate) use identify::Once;
use identify::authenticate;
pub use identify::caller;
pub(crate) use identify::is_admin_key;
pub use jwks::Jwks;
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
pub struct Caller(pub Identity);

impl Caller {
    /// Who acts, for the audit log.
    pub fn actor(&self) -> Actor {
        self.0.actor()
    }

    /// The user whose records alone may be seen; none when any may.
    pub fn owner(&self) -> Option<UserId> {
        match &self.0.principal {
            Principal::User(user_id) => Some(user_id.clone()),
            Principal::Service | Principal::Admin => None,
        }
    }

    /// Only for operators.
    ///
    /// # Errors
    /// [`Code::Forbidden`] to anybody else.
    pub fn admin(&self) -> Result<(), ApiError> {
        match self.0.principal {
            Principal::Admin => Ok(()),
            Principal::User(_) | Principal::Service => Err(Code::Forbidden.into()),
        }
    }

    /// The user that a write is for: a user's own, or the one that a service names.
    ///
    /// # Errors
    /// [`Code::Forbidden`] when a user names another, a missing field when a service names none.
    pub fn acting_for(&self, named: Option<UserId>) -> Result<UserId, ApiError> {
        match (&self.0.principal, named) {
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
        match (&self.0.principal, named) {
            (Principal::Service, None) if narrowed => Ok(None),
            (Principal::Service, None) => Err(Code::Forbidden.into()),
            (Principal::User(own), None) => Ok(Some(own.clone())),
            (Principal::User(own), Some(named)) if own != &named => Err(Code::Forbidden.into()),
            (Principal::User(_) | Principal::Service | Principal::Admin, named) => Ok(named),
        }
    }
}

impl Principal {
    /// Whose `Idempotency-Key`s are whose: at most 100 characters, different for different users. All API keys of a role
    /// share theirs, so that what was sent under one can be sent again under the key that replaced it.
    pub(crate) fn scope(&self) -> String {
        match self {
            Self::User(user_id) => format!("user:{user_id}"),
            Self::Service => "service".to_owned(),
            Self::Admin => "admin".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> UserId {
        id.parse().expect("a user id")
    }

    fn caller(principal: Principal) -> Caller {
        let credential = Credential::AdminKey;
        Caller(Identity { principal, credential, address: None, request_id: None })
    }

    #[test]
    fn a_user_never_acts_for_another_and_a_service_says_for_whom() {
        let own = caller(Principal::User(user("me")));
        assert_eq!(own.acting_for(None).expect("own"), user("me"));
        assert_eq!(own.acting_for(Some(user("you"))).expect_err("other").code, Code::Forbidden);
        assert_eq!(own.listing(Some(user("you")), true).expect_err("other").code, Code::Forbidden);
        let service = caller(Principal::Service);
        assert_eq!(service.acting_for(None).expect_err("nobody").code, Code::InvalidRequest);
        assert_eq!(service.listing(None, false).expect_err("nobody").code, Code::Forbidden);
        assert_eq!(caller(Principal::Admin).listing(None, false).expect("all"), None);
    }
}

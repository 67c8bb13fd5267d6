//! With what somebody calls: for the audit log and for log lines.

use std::net::IpAddr;

use entity::audit_event::ActorKind;
use entity::{ApiKeyId, UserId};

use super::Principal;
use crate::audit::Actor;

/// What a caller showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// `auth.admin_key`.
    AdminKey,
    /// `auth.service_key`.
    ServiceKey,
    /// A key made with `gudok api-key create`.
    ApiKey {
        /// Identifies it.
        id: ApiKeyId,
        /// What people see of it.
        prefix: String,
    },
    /// A user's JWT.
    User(UserId),
}

/// Who calls, with what, from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who, as far as it decides what they may do.
    pub principal: Principal,
    /// With what.
    pub credential: Credential,
    /// From which address; none where it cannot be told.
    pub address: Option<IpAddr>,
    /// The request, as log lines name it.
    pub request_id: Option<String>,
}

impl Identity {
    /// Who acts, for the audit log.
    pub fn actor(&self) -> Actor {
        let (kind, name, address) = match &self.credential {
            Credential::AdminKey => (ActorKind::ConfiguredKey, "auth.admin_key".to_owned(), self.address),
            Credential::ServiceKey => (ActorKind::ConfiguredKey, "auth.service_key".to_owned(), self.address),
            Credential::ApiKey { prefix, .. } => (ActorKind::ApiKey, prefix.clone(), self.address),
            // The log outlives a user who wants to be forgotten; the record that was acted on tells who it was until then.
            Credential::User(_) => (ActorKind::User, "user".to_owned(), None),
        };
        Actor { kind, name, address, request_id: self.request_id.clone() }
    }
}

//! The audit log over HTTP.

use std::collections::BTreeMap;

use entity::audit_event::{self, ActorKind};
use poem::web::Data;
use poem_openapi::param::Query;
use poem_openapi::types::Any;
use poem_openapi::{Enum, Object, OpenApi};
use serde_json::Value;

use super::{Action, AuditFilter, list};
use crate::app::App;
use crate::auth::Caller;
use crate::http::Tag;
use crate::http::body::Json;
use crate::http::code::{AUTH, INPUT};
use crate::http::error::{Answer, refusals};
use crate::http::fields::{self, Fault, FieldError, Together};
use crate::http::nullable::Nullable;
use crate::http::page::PageRequest;
use crate::http::time::Instant;

/// What kind of credential acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "ActorKind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActorView {
    /// A user of the SaaS.
    User,
    /// An API key made with `gudok api-key create`.
    ApiKey,
    /// One of the two keys in the settings.
    ConfiguredKey,
    /// Somebody signed in at the dashboard.
    Dashboard,
    /// Somebody at the command line.
    Cli,
    /// The service itself.
    System,
}

impl From<ActorKind> for ActorView {
    fn from(kind: ActorKind) -> Self {
        match kind {
            ActorKind::User => Self::User,
            ActorKind::ApiKey => Self::ApiKey,
            ActorKind::ConfiguredKey => Self::ConfiguredKey,
            ActorKind::Dashboard => Self::Dashboard,
            ActorKind::Cli => Self::Cli,
            ActorKind::System => Self::System,
        }
    }
}

/// Fields of a record by name.
type Fields = BTreeMap<String, Any<Value>>;

/// Who did what to which record.
#[derive(Clone, Debug, Object)]
#[oai(rename = "AuditEvent", rename_all = "camelCase")]
pub struct AuditEventView {
    /// Identifies the entry.
    pub id: String,
    /// When it was done.
    pub at: Instant,
    /// What kind of credential acted.
    pub actor_kind: ActorView,
    /// Who: an API key's first characters, `auth.admin_key` or `auth.service_key`, at the dashboard those of whoever signed
    /// in; `user`; or who was at the command line. `nobody` failed to sign in.
    pub actor: String,
    /// From which address; null where it came over no network.
    pub address: Nullable<String>,
    /// What was done, such as `plan.change`.
    pub action: String,
    /// The kind of the record that it was done to, such as `plan`.
    pub subject_kind: String,
    /// Which record: its id, or its name.
    pub subject: String,
    /// What the changed fields held before; null for what was new.
    pub before: Nullable<Fields>,
    /// What they hold since; null where nothing was changed.
    pub after: Nullable<Fields>,
    /// The request, as in `X-Request-Id` and in log lines.
    pub request_id: Nullable<String>,
}

impl From<audit_event::Model> for AuditEventView {
    fn from(event: audit_event::Model) -> Self {
        Self {
            id: event.id.to_string(),
            at: event.at.into(),
            actor_kind: event.actor_kind.into(),
            actor: event.actor,
            address: event.address.into(),
            action: event.action,
            subject_kind: event.subject_kind,
            subject: event.subject,
            before: event.before.and_then(fields_of).into(),
            after: event.after.and_then(fields_of).into(),
            request_id: event.request_id.into(),
        }
    }
}

fn fields_of(value: Value) -> Option<Fields> {
    match value {
        Value::Object(fields) => Some(fields.into_iter().map(|(name, value)| (name, Any(value))).collect()),
        _ => None,
    }
}

/// One page of the audit log, newest first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct AuditPage {
    /// The entries.
    pub items: Vec<AuditEventView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Nullable<String>,
}

refusals! {
    /// Reading the audit log.
    ListRefusals = [INPUT, AUTH];
}

/// The audit log.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditApi;

#[OpenApi(prefix_path = "/v1/admin", tag = "Tag::Admin")]
impl AuditApi {
    /// Read the audit log
    ///
    /// Who made or changed a plan, asked money back, ran a job or settled a payment by hand, made or revoked an API key,
    /// signed in or exported data; newest first, never changed. Role `admin`.
    #[oai(path = "/audit", method = "get", operation_id = "listAuditEvents")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a query parameter of its own in the documentation"
    )]
    async fn list(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// Only what was done in this way: one of `plan.create`, `plan.change`, `refund.request`, `job.run`,
        /// `payment.settle`, `api_key.create`, `api_key.revoke`, `sign_in`, `sign_in.failed`, `export`, `erase`.
        action: Query<Option<String>>,
        /// Only what this actor did, named as in the entries.
        actor: Query<Option<String>>,
        /// Only what was done to this record, named as in the entries.
        subject: Query<Option<String>>,
        /// Only what was done at or after this instant (RFC 3339).
        from: Query<Option<String>>,
        /// Only what was done before this instant (RFC 3339).
        to: Query<Option<String>>,
        /// Rows on the page, 1 to 100; 20 unless said otherwise.
        limit: Query<Option<u32>>,
        /// `nextCursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Json<AuditPage>, ListRefusals> {
        caller.admin()?;
        let text = |name: &'static str, text: Option<&str>, most: usize| {
            text.map(|text| fields::text(name, text, 1, most)).transpose()
        };
        let (action, actor, subject, from, to, page) = (
            action.0.as_deref().map(named).transpose(),
            text("actor", actor.0.as_deref(), 100),
            text("subject", subject.0.as_deref(), 200),
            fields::maybe_instant("from", from.0.as_deref()),
            fields::maybe_instant("to", to.0.as_deref()),
            PageRequest::parse("audit", limit.0, cursor.0.as_deref()),
        )
            .together()?;
        let filter = AuditFilter { action, actor, subject, from, to };
        let page = list(app.db.read(), filter, &page).await?.map(AuditEventView::from);
        Ok(Json(AuditPage { items: page.items, next_cursor: page.next_cursor.into() }))
    }
}

fn named(name: &str) -> Result<Action, FieldError> {
    Action::named(name).ok_or_else(|| FieldError::new("action", Fault::OneOf(NAMES)))
}

/// The names of all actions, for people.
const NAMES: &str = "plan.create, plan.change, refund.request, job.run, payment.settle, api_key.create, \
                     api_key.revoke, sign_in, sign_in.failed, export, erase";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_named() {
        assert_eq!(Action::ALL.map(Action::name).join(", "), NAMES);
    }
}

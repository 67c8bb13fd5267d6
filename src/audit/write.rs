//! Writes one act down, in the transaction that does it.

use chrono::{DateTime, Utc};
use entity::{AuditEventId, audit_event};
use sea_orm::{ActiveModelTrait, DbErr, IntoActiveModel};
use serde_json::Value;

use super::Actor;
use crate::app::App;
use crate::db::{Tx, transact};

/// What can be done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A plan was made.
    PlanCreate,
    /// A plan was changed.
    PlanChange,
    /// Money was asked back; what became of it is in the refund and in `payment_event`.
    RefundRequest,
    /// A job was run by hand.
    JobRun,
    /// Toss was asked about a payment by hand.
    PaymentSettle,
    /// An API key was made.
    ApiKeyCreate,
    /// An API key was revoked.
    ApiKeyRevoke,
    /// Somebody signed in at the dashboard.
    SignIn,
    /// Somebody failed to.
    SignInFailed,
    /// A list was exported.
    Export,
    /// A user's personal data was erased.
    Erase,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 11] = [
        Action::PlanCreate,
        Action::PlanChange,
        Action::RefundRequest,
        Action::JobRun,
        Action::PaymentSettle,
        Action::ApiKeyCreate,
        Action::ApiKeyRevoke,
        Action::SignIn,
        Action::SignInFailed,
        Action::Export,
        Action::Erase,
    ];

    /// Its name in the table and in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::PlanCreate => "plan.create",
            Self::PlanChange => "plan.change",
            Self::RefundRequest => "refund.request",
            Self::JobRun => "job.run",
            Self::PaymentSettle => "payment.settle",
            Self::ApiKeyCreate => "api_key.create",
            Self::ApiKeyRevoke => "api_key.revoke",
            Self::SignIn => "sign_in",
            Self::SignInFailed => "sign_in.failed",
            Self::Export => "export",
            Self::Erase => "erase",
        }
    }

    /// The action called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// The kind of record that it is done to.
    fn subject_kind(self) -> &'static str {
        match self {
            Self::PlanCreate | Self::PlanChange => "plan",
            Self::RefundRequest | Self::PaymentSettle => "payment",
            Self::JobRun => "job",
            Self::ApiKeyCreate | Self::ApiKeyRevoke => "api_key",
            Self::SignIn | Self::SignInFailed => "dashboard",
            Self::Export | Self::Erase => "user",
        }
    }
}

/// An act: what was done to which record, and the fields that it changed. Secrets and account numbers are in none.
#[derive(Clone, Debug)]
pub struct Act {
    action: Action,
    subject: String,
    before: Option<Value>,
    after: Option<Value>,
}

impl Act {
    /// `action`, done to the record `subject`.
    pub fn new(action: Action, subject: impl ToString) -> Self {
        Self { action, subject: subject.to_string(), before: None, after: None }
    }

    /// With what the record holds since.
    pub fn made(self, after: Value) -> Self {
        Self { after: Some(after), ..self }
    }

    /// With those fields of two JSON objects that differ.
    pub fn changed(self, before: &Value, after: &Value) -> Self {
        let differing = |one: &Value, other: &Value| -> Value {
            let fields = one.as_object().into_iter().flatten();
            fields
                .filter(|(name, value)| other.get(name.as_str()) != Some(*value))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        Self { before: Some(differing(before, after)), after: Some(differing(after, before)), ..self }
    }
}

/// Writes `act` down as done by `actor`.
///
/// # Errors
/// The database's own; then the act must not happen either.
pub async fn write(tx: &Tx, actor: &Actor, act: &Act, now: DateTime<Utc>) -> Result<(), DbErr> {
    let event = audit_event::Model {
        id: AuditEventId::new(),
        at: now,
        actor_kind: actor.kind,
        actor: actor.name.clone(),
        address: actor.address.map(|address| address.to_string()),
        action: act.action.name().to_owned(),
        subject_kind: act.action.subject_kind().to_owned(),
        subject: act.subject.clone(),
        before: act.before.clone(),
        after: act.after.clone(),
        request_id: actor.request_id.clone(),
    };
    event.into_active_model().insert(tx).await.map(drop)
}

/// Writes `act` down in a transaction of its own: for what changes nothing in our books by itself.
///
/// # Errors
/// The database's own; then the act must not happen either.
pub async fn record(app: &App, actor: &Actor, act: &Act, now: DateTime<Utc>) -> Result<(), DbErr> {
    transact!(app.db, |tx| { write(tx, actor, act, now).await })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let act = Act::new(Action::PlanChange, "p");
        let act = act.changed(&json!({"price": 1, "name": "a"}), &json!({"price": 2, "name": "a"}));
        assert_eq!((act.before, act.after), (Some(json!({"price": 1})), Some(json!({"price": 2}))));
    }
}

//! Who did what to which record; nothing updates or deletes a row.

use sea_orm::entity::prelude::*;

use crate::{AuditEventId, Timestamp};

/// One act.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_event")]
pub struct Model {
    /// Identifies it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditEventId,
    /// When it was done.
    pub at: Timestamp,
    /// What kind of credential acted.
    pub actor_kind: ActorKind,
    /// Who: a key's prefix, a user's id, the name of a configured key, or who was at the command line.
    pub actor: String,
    /// From which address, where it came over a network.
    pub address: Option<String>,
    /// What was done, such as `plan.change`.
    pub action: String,
    /// The kind of the record that it was done to, such as `plan`.
    pub subject_kind: String,
    /// Which record.
    pub subject: String,
    /// What the changed fields held before.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub before: Option<Json>,
    /// What they hold since.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub after: Option<Json>,
    /// The request, as log lines name it.
    pub request_id: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What kind of credential acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum ActorKind {
    /// A user of the SaaS.
    #[sea_orm(string_value = "user")]
    User,
    /// An API key made with `gudok api-key create`.
    #[sea_orm(string_value = "api_key")]
    ApiKey,
    /// One of the two keys in the settings.
    #[sea_orm(string_value = "configured_key")]
    ConfiguredKey,
    /// Somebody signed in at the dashboard.
    #[sea_orm(string_value = "dashboard")]
    Dashboard,
    /// Somebody at the command line.
    #[sea_orm(string_value = "cli")]
    Cli,
    /// The service itself.
    #[sea_orm(string_value = "system")]
    System,
}

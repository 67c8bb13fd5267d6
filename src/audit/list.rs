//! Reads the audit log.

use chrono::{DateTime, Utc};
use entity::audit_event;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use super::Action;
use crate::http::page::{Page, PageRequest, page_of};

/// Which acts are wanted; none of a field wants any.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Those of this kind.
    pub action: Option<Action>,
    /// Those of this actor.
    pub actor: Option<String>,
    /// Those done to this record.
    pub subject: Option<String>,
    /// Those done at or after this instant.
    pub from: Option<DateTime<Utc>>,
    /// Those done before this instant.
    pub to: Option<DateTime<Utc>>,
}

/// One page of acts, newest first.
///
/// # Errors
/// The database's own.
pub async fn list(
    db: &impl ConnectionTrait,
    filter: AuditFilter,
    page: &PageRequest,
) -> Result<Page<audit_event::Model>, DbErr> {
    use audit_event::Column;
    let mut query = audit_event::Entity::find();
    if let Some(action) = filter.action {
        query = query.filter(Column::Action.eq(action.name()));
    }
    if let Some(actor) = filter.actor {
        query = query.filter(Column::Actor.eq(actor));
    }
    if let Some(subject) = filter.subject {
        query = query.filter(Column::Subject.eq(subject));
    }
    if let Some(from) = filter.from {
        query = query.filter(Column::At.gte(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(Column::At.lt(to));
    }
    page_of(db, query, (Column::At, Column::Id), page, |event| (event.at, event.id.to_string())).await
}

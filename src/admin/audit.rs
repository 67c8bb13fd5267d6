//! Who did what: the audit log.

use askama::Template;
use poem::web::Query;
use poem::{Response, handler};
use serde::Deserialize;

use super::desk::{Desk, Frame, Nav};
use super::view::{When, link};
use crate::audit::{self, Action, AuditFilter};
use crate::http::error::ApiError;
use crate::http::page::PageRequest;

/// Rows on a page.
const ROWS: u32 = 50;

/// The acts, newest first.
#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditPage {
    shell: Frame,
    /// The kinds of acts, and whether they are the ones that are shown.
    actions: Vec<(&'static str, bool)>,
    subject: String,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    at: When,
    actor: String,
    address: String,
    action: String,
    subject: String,
    /// The page of the record, where it has one.
    page: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

/// What is wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    action: Option<String>,
    subject: Option<String>,
    cursor: Option<String>,
}

/// Lists what operators, services and users have done.
#[handler]
pub(super) async fn list(desk: Desk, Query(wanted): Query<Wanted>) -> poem::Result<Response> {
    let request =
        PageRequest::parse("audit", Some(ROWS), wanted.cursor.as_deref()).map_err(ApiError::from)?;
    let action = wanted.action.as_deref().and_then(Action::named);
    let subject = wanted.subject.as_deref().map(str::trim).filter(|subject| !subject.is_empty());
    let filter = AuditFilter { action, subject: subject.map(str::to_owned), ..AuditFilter::default() };
    let page = audit::list(desk.app.db.read(), filter, &request).await.map_err(ApiError::from)?;
    let shell = desk.frame(Nav::Audit).await?;
    let name = action.map(Action::name);
    let next = page.next_cursor.as_deref().map(|cursor| {
        link("/admin/audit", &[("action", name), ("subject", subject), ("cursor", Some(cursor))])
    });
    let template = AuditPage {
        actions: Action::ALL.map(|known| (known.name(), Some(known) == action)).into(),
        subject: subject.unwrap_or_default().to_owned(),
        rows: page.items.into_iter().map(|event| row(&shell, event)).collect(),
        next,
        shell,
    };
    Ok(desk.page(&template))
}

fn row(shell: &Frame, event: entity::audit_event::Model) -> Row {
    let page = match event.subject_kind.as_str() {
        "payment" => Some(format!("/admin/payments/{}", event.subject)),
        "plan" => Some(format!("/admin/plans/{}", event.subject)),
        "job" => Some(format!("/admin/jobs/{}", event.subject)),
        _ => None,
    };
    let text = |value: Option<serde_json::Value>| value.map(|value| value.to_string());
    Row {
        at: When::of(shell, event.at),
        actor: event.actor,
        address: event.address.unwrap_or_default(),
        action: event.action,
        subject: event.subject,
        page,
        before: text(event.before),
        after: text(event.after),
    }
}

//! The event total and the entries that it is the sum of.

use askama::Template;
use poem::web::Query;
use poem::{Response, handler};
use serde::Deserialize;

use super::desk::{Desk, Frame, Nav};
use super::view::{When, link};
use crate::event_amounts;
use crate::http::error::ApiError;
use crate::http::page::PageRequest;

/// Rows on a page.
const ROWS: u32 = 50;

/// The total, and its entries.
#[derive(Template)]
#[template(path = "admin/events.html")]
struct EventsPage {
    shell: Frame,
    total: String,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    at: When,
    order_id: String,
    amount: String,
    is_minus: bool,
}

/// What is wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    cursor: Option<String>,
}

/// Lists the entries of the event total.
#[handler]
pub(super) async fn list(desk: Desk, Query(wanted): Query<Wanted>) -> poem::Result<Response> {
    let request =
        PageRequest::parse("event-amounts", Some(ROWS), wanted.cursor.as_deref()).map_err(ApiError::from)?;
    let db = desk.app.db.read();
    let total = event_amounts::total(db).await.map_err(ApiError::from)?;
    let page = event_amounts::list(db, &request).await.map_err(ApiError::from)?;
    let shell = desk.frame(Nav::Events).await?;
    let row = |entry: entity::event_amount::Model| Row {
        at: When::of(&shell, entry.created_at),
        order_id: entry.order_id.to_string(),
        amount: shell.won(entry.amount.get()),
        is_minus: entry.amount.get() < 0,
    };
    let next =
        page.next_cursor.as_deref().map(|cursor| link("/admin/event-amounts", &[("cursor", Some(cursor))]));
    let template =
        EventsPage { total: shell.won(total), rows: page.items.into_iter().map(row).collect(), next, shell };
    Ok(desk.page(&template))
}

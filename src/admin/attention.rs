//! What needs a person, with why, what to do, and the button that does it where there is one.

use askama::Template;
use poem::web::Query;
use poem::{Response, handler};
use serde::Deserialize;

use super::desk::{Desk, Frame, Nav};
use super::view::{When, link};
use crate::attention::{self, Item, Kind, Part};
use crate::http::error::ApiError;
use crate::http::page::PageRequest;

/// Matters on a page.
const ROWS: u32 = 50;

/// Matters, the most urgent first.
#[derive(Template)]
#[template(path = "admin/attention.html")]
struct AttentionPage {
    shell: Frame,
    matters: Vec<Matter>,
    next: Option<String>,
}

struct Matter {
    kind: String,
    /// Whether nothing is wrong any more, and somebody should only be told.
    calm: bool,
    since: When,
    detail: String,
    what_to_do: String,
    ours: Option<String>,
    theirs: Option<String>,
    payment_key: Option<String>,
    /// The order, where we may hold a payment of it.
    order_id: Option<String>,
    job: Option<&'static str>,
    /// Whether asking Toss now can change anything.
    can_settle: bool,
}

/// What is wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    cursor: Option<String>,
}

/// Lists what needs a person.
#[handler]
pub(super) async fn list(desk: Desk, Query(wanted): Query<Wanted>) -> poem::Result<Response> {
    let parts = Part::ALL.map(Part::name);
    let begin =
        PageRequest::parse_parts(&parts, Some(ROWS), wanted.cursor.as_deref()).map_err(ApiError::from)?;
    let page = attention::list(&desk.app, begin, desk.now).await.map_err(ApiError::from)?;
    let shell = desk.frame(Nav::Attention).await?;
    let next =
        page.next_cursor.as_deref().map(|cursor| link("/admin/attention", &[("cursor", Some(cursor))]));
    let matters = page.items.into_iter().map(|item| Matter::of(&shell, item)).collect();
    Ok(desk.page(&AttentionPage { shell, matters, next }))
}

impl Matter {
    fn of(shell: &Frame, item: Item) -> Self {
        // Only what can be an order of ours becomes part of a link.
        let order_id = item.order_id.as_ref().filter(|id| id.parse::<entity::OrderId>().is_ok()).cloned();
        let known = !matches!(item.kind, Kind::MissingHere);
        Self {
            calm: item.kind == Kind::CompensationDone,
            since: When::of(shell, item.since),
            detail: item.detail(shell.language),
            what_to_do: item.what_to_do(shell.language),
            can_settle: order_id.is_some() && known && item.kind != Kind::CompensationDone,
            order_id: order_id.filter(|_| known),
            job: item.job.map(crate::jobs::Job::name),
            kind: item.name,
            ours: item.ours,
            theirs: item.theirs,
            payment_key: item.payment_key,
        }
    }
}

//! Reads one page of what needs a person: part by part, so that a page costs no more than its rows.

use chrono::{DateTime, Utc};
use sea_orm::DbErr;

use super::{Item, Part};
use crate::app::App;
use crate::http::page::{Page, PageRequest};

/// The page that begins in the part numbered `first` of [`Part::ALL`], as of `now`: the most urgent part first, newest
/// first within a part.
///
/// # Errors
/// The database's own.
pub async fn list(
    app: &App,
    (first, begin): (usize, PageRequest),
    now: DateTime<Utc>,
) -> Result<Page<Item>, DbErr> {
    let most = begin.limit();
    let mut items: Vec<Item> = Vec::new();
    let mut behind_last = None;
    for (number, part) in Part::ALL.into_iter().enumerate().skip(first) {
        let left = most - items.len();
        // On a full page only whether anything follows is of interest.
        let further = PageRequest::first_of(part.name(), left.max(1));
        let request = if number == first { &begin } else { &further };
        let page = part.page(app, request, now).await?;
        if left == 0 {
            if page.items.is_empty() {
                continue;
            }
            return Ok(Page { items, next_cursor: behind_last });
        }
        if let Some(last) = page.items.last() {
            behind_last = Some(PageRequest::cursor_behind(part.name(), last.since, &last.id));
        }
        items.extend(page.items);
        if page.next_cursor.is_some() {
            return Ok(Page { items, next_cursor: page.next_cursor });
        }
    }
    Ok(Page { items, next_cursor: None })
}

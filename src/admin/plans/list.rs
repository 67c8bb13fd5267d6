//! The list of plans.

use askama::Template;
use entity::plan;
use poem::web::Query;
use poem::{Response, handler};
use serde::Deserialize;

use crate::admin::desk::{Desk, Frame, Nav};
use crate::admin::view::{Chip, When, interval, link, plan_type, sale_chip};
use crate::http::error::ApiError;
use crate::http::page::PageRequest;
use crate::plans;

/// Rows on a page.
const ROWS: u32 = 50;

/// Plans, one a row.
#[derive(Template)]
#[template(path = "admin/plans/list.html")]
struct ListPage {
    shell: Frame,
    notice: Option<&'static str>,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    id: String,
    name: String,
    code: String,
    kind: &'static str,
    price: String,
    interval: String,
    state: Chip,
    changed: When,
}

/// What is wanted.
#[derive(Debug, Deserialize)]
pub(in crate::admin) struct Wanted {
    cursor: Option<String>,
    notice: Option<String>,
}

/// Lists plans.
#[handler]
pub(in crate::admin) async fn index(desk: Desk, Query(wanted): Query<Wanted>) -> poem::Result<Response> {
    let request =
        PageRequest::parse("plans", Some(ROWS), wanted.cursor.as_deref()).map_err(ApiError::from)?;
    let page = plans::list(desk.app.db.read(), None, &request).await.map_err(ApiError::from)?;
    let shell = desk.frame(Nav::Plans).await?;
    let row = |plan: plan::Model| Row {
        id: plan.id.to_string(),
        code: plan.code.to_string(),
        kind: plan_type(plan.r#type),
        price: shell.won(plan.price.get()),
        interval: interval(&shell, plan.interval_months),
        state: sale_chip(&shell, plan.is_active),
        changed: When::of(&shell, plan.updated_at),
        name: plan.name,
    };
    let notice = match wanted.notice.as_deref() {
        Some("made") => Some(shell.say("요금제를 만들었습니다.", "The plan has been made.")),
        Some("changed") => Some(shell.say(
            "요금제를 바꾸었습니다. 이제부터의 주문에 적용됩니다.",
            "The plan has been changed, for orders from now on.",
        )),
        _ => None,
    };
    let next = page.next_cursor.as_deref().map(|cursor| link("/admin/plans", &[("cursor", Some(cursor))]));
    let template = ListPage { notice, rows: page.items.into_iter().map(row).collect(), next, shell };
    Ok(desk.page(&template))
}

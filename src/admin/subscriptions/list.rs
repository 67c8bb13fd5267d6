//! The list of subscriptions, as the clock shows them.

use askama::Template;
use entity::{PlanId, UserId};
use poem::web::Query;
use poem::{Response, handler};
use serde::Deserialize;

use crate::admin::desk::{Desk, Frame, Nav};
use crate::admin::payments::plan_choices;
use crate::admin::view::{Chip, Choice, When, link, subscription_chip, user_link};
use crate::http::error::ApiError;
use crate::http::fields::{self, Fault, FieldError, Together};
use crate::http::page::{Page, PageRequest};
use crate::plans;
use crate::subscriptions::{self, SubscriptionFilter};

/// The path of this page.
const PATH: &str = "/admin/subscriptions";
/// Rows on a page.
const ROWS: u32 = 50;

/// Subscriptions, one a row.
#[derive(Template)]
#[template(path = "admin/subscriptions/list.html")]
struct ListPage {
    shell: Frame,
    user: String,
    active: Vec<Choice>,
    plans: Vec<Choice>,
    filtered: bool,
    /// Why what was searched for can be no user's id.
    nobody: Option<String>,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    user_id: String,
    user_link: String,
    plan: String,
    state: Chip,
    start: When,
    end: When,
}

/// What is wanted.
#[derive(Debug, Default, Deserialize)]
pub(in crate::admin) struct Wanted {
    user: Option<String>,
    active: Option<String>,
    plan: Option<String>,
    cursor: Option<String>,
}

/// Lists subscriptions.
#[handler]
pub(in crate::admin) async fn index(desk: Desk, Query(wanted): Query<Wanted>) -> poem::Result<Response> {
    let given = |text: &Option<String>| {
        text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let (user, active, plan) = (given(&wanted.user), given(&wanted.active), given(&wanted.plan));
    let is_active = match active.as_deref() {
        None => Ok(None),
        Some("yes") => Ok(Some(true)),
        Some("no") => Ok(Some(false)),
        Some(_) => Err(FieldError::new("active", Fault::OneOf("yes, no"))),
    };
    // What can be nobody's id is searched for in vain, which is no fault of the link.
    let (user_id, nobody) = match fields::maybe_id::<UserId>("user", user.as_deref()) {
        Ok(user_id) => (user_id, None),
        Err(fault) => (None, Some(fault.detail(desk.shell.language))),
    };
    let (is_active, plan_id, request) = (
        is_active,
        fields::maybe_row_id::<PlanId>("plan", plan.as_deref()),
        PageRequest::parse("subscriptions", Some(ROWS), given(&wanted.cursor).as_deref()),
    )
        .together()
        .map_err(ApiError::from)?;
    let filter = SubscriptionFilter { is_active, plan_id, user_id };
    let db = desk.app.db.read();
    let page = if nobody.is_some() {
        Page { items: Vec::new(), next_cursor: None }
    } else {
        subscriptions::list(db, filter, &request, desk.now).await.map_err(ApiError::from)?
    };
    let names =
        plans::find_many(db, page.items.iter().map(|listed| listed.plan_id)).await.map_err(ApiError::from)?;
    let shell = desk.frame(Nav::Subscriptions).await?;
    let kept = [("user", user.as_deref()), ("active", active.as_deref()), ("plan", plan.as_deref())];
    let next = page.next_cursor.as_deref();
    let next = next.map(|cursor| link(PATH, &[kept.as_slice(), &[("cursor", Some(cursor))]].concat()));
    let row = |listed: subscriptions::Listed| Row {
        user_link: user_link(listed.row.user_id.as_str()),
        user_id: listed.row.user_id.to_string(),
        plan: names.get(&listed.plan_id).map(|plan| plan.name.clone()).unwrap_or_default(),
        state: subscription_chip(&shell, listed.status),
        start: When::of(&shell, listed.row.start_date),
        end: When::of(&shell, listed.row.end_date),
    };
    let choice = |value: &str, ko, en| Choice::new(value, shell.say(ko, en), active.as_deref());
    let template = ListPage {
        nobody,
        filtered: kept.iter().any(|(_, value)| value.is_some()),
        active: vec![
            choice("", "모두", "All"),
            choice("yes", "이용 중", "Active"),
            choice("no", "끝남", "Ended"),
        ],
        plans: plan_choices(&desk, plan.as_deref()).await?,
        rows: page.items.into_iter().map(row).collect(),
        user: user.unwrap_or_default(),
        next,
        shell,
    };
    Ok(desk.page(&template))
}

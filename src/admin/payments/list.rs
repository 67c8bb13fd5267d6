//! The list of payments, newest first, with one box that finds any of them.

use askama::Template;
use entity::{PlanId, plan};
use poem::web::Query;
use poem::{Response, handler};
use serde::Deserialize;

use super::search::{Found, search};
use crate::admin::desk::{Desk, Frame, Nav};
use crate::admin::view::{
    Chip, Choice, PAYMENT_STATES, When, day_start, link, payment_chip, payment_state, user_link,
};
use crate::http::error::ApiError;
use crate::http::fields::{self, Together};
use crate::http::page::PageRequest;
use crate::payments::{self, PaymentFilter};
use crate::plans;

/// The path of this page.
const PATH: &str = "/admin/payments";
/// Rows on a page.
const ROWS: u32 = 50;

/// Payments, one a row.
#[derive(Template)]
#[template(path = "admin/payments/list.html")]
struct ListPage {
    shell: Frame,
    /// What was searched for.
    q: String,
    /// Whether it names nothing that we hold.
    nothing: bool,
    states: Vec<Choice>,
    plans: Vec<Choice>,
    from: String,
    to: String,
    filtered: bool,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    at: When,
    order_id: String,
    user_id: String,
    user_link: String,
    order_name: String,
    amount: String,
    balance: Option<String>,
    method: String,
    state: Chip,
}

/// What is wanted.
#[derive(Debug, Default, Deserialize)]
pub(in crate::admin) struct Wanted {
    q: Option<String>,
    status: Option<String>,
    plan: Option<String>,
    from: Option<String>,
    to: Option<String>,
    cursor: Option<String>,
}

/// Lists payments, or goes to the one that is named.
#[handler]
pub(in crate::admin) async fn index(desk: Desk, Query(wanted): Query<Wanted>) -> poem::Result<Response> {
    let q = given(wanted.q.as_deref());
    let found = match q {
        Some(text) => Some(search(desk.app.db.read(), text).await.map_err(ApiError::from)?),
        None => None,
    };
    if let Some(Found::Payment(order_id)) = &found {
        return Ok(desk.see_other(&format!("{PATH}/{order_id}")));
    }
    let filter = filter(&desk, &wanted)?;
    let request = PageRequest::parse("payments", Some(ROWS), given(wanted.cursor.as_deref()))
        .map_err(ApiError::from)?;
    let (nothing, user_id) = match found {
        Some(Found::User(user_id)) => (false, Some(user_id)),
        found => (found.is_some(), None),
    };
    let filter = PaymentFilter { user_id, ..filter };
    let page = if nothing {
        crate::http::page::Page { items: Vec::new(), next_cursor: None }
    } else {
        payments::list(desk.app.db.read(), filter, &request).await.map_err(ApiError::from)?
    };
    let shell = desk.frame(Nav::Payments).await?;
    let plans = plan_choices(&desk, wanted.plan.as_deref()).await?;
    let kept = [
        ("q", q),
        ("status", wanted.status.as_deref()),
        ("plan", wanted.plan.as_deref()),
        ("from", wanted.from.as_deref()),
        ("to", wanted.to.as_deref()),
    ];
    let filtered = kept.iter().any(|(_, value)| given(*value).is_some());
    let next = page
        .next_cursor
        .as_deref()
        .map(|cursor| link(PATH, &[kept.as_slice(), &[("cursor", Some(cursor))]].concat()));
    let template = ListPage {
        q: q.unwrap_or_default().to_owned(),
        nothing,
        states: state_choices(&shell, wanted.status.as_deref()),
        plans,
        from: wanted.from.clone().unwrap_or_default(),
        to: wanted.to.clone().unwrap_or_default(),
        filtered,
        rows: page.items.into_iter().map(|payment| Row::of(&shell, payment)).collect(),
        next,
        shell,
    };
    Ok(desk.page(&template))
}

impl Row {
    fn of(shell: &Frame, payment: entity::payment::Model) -> Self {
        let given_back = payment.approved_at.is_some() && payment.balance_amount != payment.amount;
        Self {
            at: When::of(shell, payment.created_at),
            state: payment_chip(shell, &payment),
            user_link: user_link(payment.user_id.as_str()),
            amount: shell.won(payment.amount.get()),
            balance: given_back.then(|| shell.won(payment.balance_amount.get())),
            method: payment.payment_method.unwrap_or_else(|| "–".to_owned()),
            order_id: payment.order_id.to_string(),
            user_id: payment.user_id.to_string(),
            order_name: payment.order_name,
        }
    }
}

fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn filter(desk: &Desk, wanted: &Wanted) -> Result<PaymentFilter, ApiError> {
    let zone = desk.shell.zone;
    let status = given(wanted.status.as_deref()).map(|text| {
        let known = PAYMENT_STATES.into_iter().find(|(name, _)| *name == text);
        let fault = fields::Fault::OneOf("the states of payments");
        known.map(|(_, status)| status).ok_or_else(|| fields::FieldError::new("status", fault))
    });
    let (plan_id, from, to, status) = (
        fields::maybe_row_id::<PlanId>("plan", given(wanted.plan.as_deref())),
        day_start("from", wanted.from.as_deref(), zone, 0),
        // The last day is inside.
        day_start("to", wanted.to.as_deref(), zone, 1),
        status.transpose(),
    )
        .together()?;
    Ok(PaymentFilter { user_id: None, plan_id, status, from, to })
}

fn state_choices(shell: &Frame, current: Option<&str>) -> Vec<Choice> {
    let all = Choice::new("", shell.say("모든 상태", "Any state"), current);
    let states = PAYMENT_STATES
        .into_iter()
        .map(|(name, status)| Choice::new(name, payment_state(shell, status).text, current));
    std::iter::once(all).chain(states).collect()
}

/// Plans that one can choose from: the hundred newest.
pub(in crate::admin) async fn plan_choices(
    desk: &Desk,
    current: Option<&str>,
) -> Result<Vec<Choice>, ApiError> {
    let page = plans::list(desk.app.db.read(), None, &PageRequest::first_of("plans", 100)).await?;
    let mut known = page.items;
    // One that was chosen stays chosen, however old it is.
    if let Some(id) = current.and_then(|text| text.trim().parse::<PlanId>().ok())
        && !known.iter().any(|plan| plan.id == id)
    {
        known.extend(plans::find(desk.app.db.read(), id).await?);
    }
    let all = Choice::new("", desk.shell.say("모든 요금제", "Any plan"), current);
    let name = |plan: plan::Model| Choice::new(plan.id.to_string(), plan.name, current);
    Ok(std::iter::once(all).chain(known.into_iter().map(name)).collect())
}

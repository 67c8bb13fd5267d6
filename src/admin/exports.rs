//! Lists as CSV files: which one, from when to when, and the file itself, streamed.

use std::sync::Arc;

use askama::Template;
use entity::PlanId;
use entity::refund::RefundStatus;
use poem::http::{HeaderValue, header};
use poem::web::{Path, Query};
use poem::{Body, Response, handler};
use serde::Deserialize;

use futures_util::{StreamExt, stream};
use tokio::sync::OwnedSemaphorePermit;

use super::busy::busy;
use super::desk::{Desk, Frame, Nav};
use super::payments::plan_choices;
use super::view::{Choice, PAYMENT_STATES, day_start, payment_state, refund_chip};
use crate::audit::{self, Act, Action};
use crate::exports::{self, Csv, ExportError};
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::fields::{self, Fault, FieldError, Together};
use crate::payments::PaymentFilter;
use crate::refunds::RefundFilter;
use crate::subscriptions::SubscriptionFilter;

/// The states of refunds, with their names in links.
const REFUND_STATES: [(&str, RefundStatus); 3] =
    [("DONE", RefundStatus::Done), ("PENDING", RefundStatus::Pending), ("FAILED", RefundStatus::Failed)];

/// The forms.
#[derive(Template)]
#[template(path = "admin/exports.html")]
struct ExportsPage {
    shell: Frame,
    plans: Vec<Choice>,
    payment_states: Vec<Choice>,
    refund_states: Vec<Choice>,
    active: Vec<Choice>,
}

/// Asks what is wanted.
#[handler]
pub(super) async fn form(desk: Desk) -> poem::Result<Response> {
    let shell = desk.frame(Nav::Exports).await?;
    let any = || Choice::new("", shell.say("모두", "All"), None);
    let payments =
        PAYMENT_STATES.map(|(name, status)| Choice::new(name, payment_state(&shell, status).text, None));
    let refunds =
        REFUND_STATES.map(|(name, status)| Choice::new(name, refund_chip(&shell, status).text, None));
    let active = [("yes", shell.say("이용 중", "Active")), ("no", shell.say("끝남", "Ended"))];
    let template = ExportsPage {
        plans: plan_choices(&desk, None).await?,
        payment_states: std::iter::once(any()).chain(payments).collect(),
        refund_states: std::iter::once(any()).chain(refunds).collect(),
        active: std::iter::once(any())
            .chain(active.map(|(name, label)| Choice::new(name, label, None)))
            .collect(),
        shell,
    };
    Ok(desk.page(&template))
}

/// Which rows are wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    from: Option<String>,
    to: Option<String>,
    status: Option<String>,
    plan: Option<String>,
    active: Option<String>,
}

/// The file.
#[handler]
pub(super) async fn download(
    desk: Desk,
    Path(what): Path<String>,
    Query(wanted): Query<Wanted>,
) -> poem::Result<Response> {
    let csv = match what.as_str() {
        "payments" => exports::payments(&desk.app, payment_filter(&desk, &wanted)?),
        "refunds" => exports::refunds(&desk.app, refund_filter(&desk, &wanted)?),
        "subscriptions" => exports::subscriptions(&desk.app, subscription_filter(&wanted)?, desk.now),
        _ => return Err(ApiError::from(Code::NotFound).into()),
    };
    let Ok(place) = Arc::clone(&desk.app.exports).try_acquire_owned() else {
        return busy(&desk, Nav::Exports).await;
    };
    let csv = begun(csv).await?;
    let act = Act::new(Action::Export, &what);
    audit::record(&desk.app, &desk.actor, &act, desk.now).await.map_err(ApiError::from)?;
    tracing::info!(what, "an export begins");
    let day = desk.now.with_timezone(&desk.shell.zone).format("%Y%m%d");
    Ok(file(&format!("gudok-{what}-{day}.csv"), csv, place))
}

/// The file with its header and its first rows read: what fails before anything is sent is told by a page.
async fn begun(mut csv: Csv) -> Result<Csv, ApiError> {
    let mut first = Vec::new();
    for _ in 0..2 {
        match csv.next().await {
            Some(Ok(piece)) => first.push(Ok(piece)),
            Some(Err(ExportError::Database(error))) => return Err(error.into()),
            Some(Err(ExportError::Csv(error))) => {
                tracing::error!(%error, "an export cannot be written");
                return Err(Code::Internal.into());
            }
            None => break,
        }
    }
    Ok(stream::iter(first).chain(csv).boxed())
}

/// An answer that is sent as it is read. One that breaks off breaks the connection off, so that nobody takes half a file
/// for a whole one.
fn file(name: &str, csv: Csv, place: OwnedSemaphorePermit) -> Response {
    let told = csv.map(move |piece| {
        // Given back when the file is sent or its reader is gone.
        let _held = &place;
        piece.map_err(|error| {
            tracing::error!(%error, "an export broke off");
            std::io::Error::from(error)
        })
    });
    let mut response =
        Response::builder().content_type("text/csv; charset=utf-8").body(Body::from_bytes_stream(told));
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

fn state<T: Copy, const N: usize>(
    known: [(&str, T); N],
    text: Option<&str>,
) -> Result<Option<T>, FieldError> {
    let Some(text) = text else { return Ok(None) };
    let found = known.into_iter().find(|(name, _)| *name == text).map(|(_, status)| Some(status));
    found.ok_or_else(|| FieldError::new("status", Fault::OneOf("the states that the form offers")))
}

fn payment_filter(desk: &Desk, wanted: &Wanted) -> Result<PaymentFilter, ApiError> {
    let zone = desk.shell.zone;
    let (plan_id, status, from, to) = (
        fields::maybe_row_id::<PlanId>("plan", given(&wanted.plan)),
        state(PAYMENT_STATES, given(&wanted.status)),
        day_start("from", wanted.from.as_deref(), zone, 0),
        day_start("to", wanted.to.as_deref(), zone, 1),
    )
        .together()?;
    Ok(PaymentFilter { user_id: None, plan_id, status, from, to })
}

fn refund_filter(desk: &Desk, wanted: &Wanted) -> Result<RefundFilter, ApiError> {
    let zone = desk.shell.zone;
    let (status, from, to) = (
        state(REFUND_STATES, given(&wanted.status)),
        day_start("from", wanted.from.as_deref(), zone, 0),
        day_start("to", wanted.to.as_deref(), zone, 1),
    )
        .together()?;
    Ok(RefundFilter { status, from, to, ..RefundFilter::default() })
}

fn subscription_filter(wanted: &Wanted) -> Result<SubscriptionFilter, ApiError> {
    let is_active = match given(&wanted.active) {
        None => None,
        Some("yes") => Some(true),
        Some("no") => Some(false),
        Some(_) => return Err(FieldError::new("active", Fault::OneOf("yes, no")).into()),
    };
    let plan_id = fields::maybe_row_id::<PlanId>("plan", given(&wanted.plan))?;
    Ok(SubscriptionFilter { is_active, plan_id, user_id: None })
}

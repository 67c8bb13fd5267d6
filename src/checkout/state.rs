//! `/checkout/{orderId}/state`: what a page asks while it waits.

use poem::web::{Data, Json, Path, Query};
use poem::{IntoResponse, http::header};
use poem::{Response, handler};
use serde::Deserialize;
use serde_json::json;

use super::link::Token;
use super::returns::return_urls;
use super::standing::Standing;
use crate::app::App;
use crate::http::code::Code;
use crate::http::error::ApiError;

/// What a link to an order carries.
#[derive(Debug, Deserialize)]
pub(super) struct Link {
    /// The right to see it.
    #[serde(default)]
    pub(super) token: String,
}

/// The order's state, and where to go if the page's own is another.
#[handler]
pub(super) async fn state(
    app: Data<&App>,
    Path(order_id): Path<String>,
    Query(link): Query<Link>,
) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let token = Token::read(&app, &order_id, &link.token, now)?;
    let standing = Standing::of(&app, token.order_id(), now).await?;
    if token.closed_for(&standing) {
        return Err(Code::OrderNotFound.into());
    }
    let next = if standing.is_done() {
        return_urls(&app, token.order_id()).await?.after_success(token.order_id())
    } else {
        None
    };
    let body = Json(json!({"state": standing.name(), "next": next}));
    Ok(body.with_header(header::CACHE_CONTROL, "no-store").into_response())
}

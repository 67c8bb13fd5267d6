//! Asks Toss about a payment, because somebody pressed the button.

use poem::web::Path;
use poem::{Response, handler};

use crate::admin::desk::{Desk, Posted};
use crate::http::error::ApiError;
use crate::http::fields;
use crate::payments::settle_now;

/// Asks Toss now, and shows the payment as it stands then.
#[handler]
pub(in crate::admin) async fn ask(posted: Posted, Path(order_id): Path<String>) -> poem::Result<Response> {
    let order_id = fields::id("orderId", &order_id).map_err(ApiError::from)?;
    settle_now(&posted.desk.app, &order_id, &posted.desk.actor).await.map_err(ApiError::from)?;
    Ok(posted.desk.see_other(&format!("/admin/payments/{order_id}?notice=asked")))
}

/// Where a link to a form's address leads: to the page with the form.
#[handler]
pub(in crate::admin) fn back(desk: Desk, Path(order_id): Path<String>) -> poem::Result<Response> {
    let order_id: entity::OrderId = fields::id("orderId", &order_id).map_err(ApiError::from)?;
    Ok(desk.see_other(&format!("/admin/payments/{order_id}")))
}

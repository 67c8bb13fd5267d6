//! Refunds at the dashboard: wished, previewed, confirmed once, and told how they ended.

mod confirm;
mod follow;
mod form;
mod outcome;
mod preview;
mod wish;

use poem::http::StatusCode;
use poem::web::Path;
use poem::{Response, handler};

pub(super) use follow::followed;
pub(super) use form::wanted;
pub(super) use outcome::ended;

use super::desk::Posted;
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::payments;

/// Shows what a refund would do, or makes it: as the button says.
#[handler]
pub(super) async fn posted(posted: Posted, Path(order_id): Path<String>) -> poem::Result<Response> {
    let order_id = crate::http::fields::id("orderId", &order_id).map_err(ApiError::from)?;
    let Posted { desk, fields } = posted;
    let found = payments::find(desk.app.db.read(), &order_id, None).await.map_err(ApiError::from)?;
    let payment = found.ok_or_else(|| ApiError::from(Code::PaymentNotFound))?;
    let confirmed = fields.get("step") == Some("confirm");
    let parse = if confirmed { wish::parse_again } else { wish::parse };
    let wish = match parse(&payment, &fields) {
        Ok(wish) => wish,
        Err(faults) => return form::again(&desk, &payment, &fields, faults, StatusCode::BAD_REQUEST).await,
    };
    if confirmed {
        confirm::confirm(&desk, &payment, &fields, wish).await
    } else {
        preview::preview(&desk, &payment, &fields, wish).await
    }
}

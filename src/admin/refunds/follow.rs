//! While nobody knows yet what a preview's button has done: a page that says so and leads to the refund once there is one.

use askama::Template;
use entity::payment;
use poem::http::StatusCode;
use poem::web::Path;
use poem::{Response, handler};

use super::confirm;
use crate::admin::desk::{Desk, Frame, Nav};
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::fields;
use crate::idempotency::{self, Under};
use crate::payments;
use crate::refunds::pending_of;

/// Whose keys the previews' are; no caller of the API has this name.
pub(super) const CALLER: &str = "dashboard";

/// Says that a refund is being made, or that nobody knows whether one was.
#[derive(Template)]
#[template(path = "admin/refunds/follow.html")]
struct FollowPage {
    shell: Frame,
    order_id: String,
    order_name: String,
    title: &'static str,
    text: &'static str,
    /// Whether the page looks again by itself.
    follows: bool,
    /// The refund of this payment that is under way.
    pending: Option<String>,
}

/// Where a press of the button with `key` is followed to its outcome.
pub(super) fn path(payment: &payment::Model, key: uuid::Uuid) -> String {
    format!("/admin/payments/{}/refund/{key}", payment.order_id)
}

/// Shows what has become of a press of the button: its refund, once there is one.
#[handler]
pub(in crate::admin) async fn followed(
    desk: Desk,
    Path((order_id, key)): Path<(String, String)>,
) -> poem::Result<Response> {
    let order_id = fields::id("orderId", &order_id).map_err(ApiError::from)?;
    let key: uuid::Uuid = fields::row_id("key", &key).map_err(ApiError::from)?;
    let found = payments::find(desk.app.db.read(), &order_id, None).await.map_err(ApiError::from)?;
    let payment = found.ok_or_else(|| ApiError::from(Code::PaymentNotFound))?;
    let under = idempotency::standing(&desk.app, CALLER, &key.to_string(), desk.now).await;
    let (title, text, follows) = match under.map_err(ApiError::from)? {
        Under::Made(refund) => return Ok(desk.see_other(&confirm::path(&refund))),
        Under::Working => (
            desk.shell.say("환불을 처리하고 있습니다", "The refund is being made"),
            desk.shell.say(
                "이 페이지가 결과로 이어집니다. 다시 환불하지 마십시오.",
                "This page leads to the outcome. Do not refund again.",
            ),
            true,
        ),
        Under::Nothing => (
            desk.shell.say("이 버튼으로 만들어진 환불이 없습니다", "This button has made no refund"),
            desk.shell.say(
                "결제의 기록을 먼저 확인하십시오. 환불이 있으면 거기에 있습니다.",
                "Look at the history of the payment first: any refund is told there.",
            ),
            false,
        ),
    };
    show(&desk, &payment, StatusCode::OK, (title, text, follows)).await
}

/// The page for what may have been made all the same. `running`: because another refund of the payment is under way.
pub(super) async fn unknown(
    desk: &Desk,
    payment: &payment::Model,
    status: StatusCode,
    running: bool,
) -> poem::Result<Response> {
    let (title, text) = if running {
        (
            desk.shell.say(
                "이 결제의 다른 환불을 처리하고 있습니다",
                "Another refund of this payment is being made",
            ),
            desk.shell.say(
                "그 결과가 나올 때까지 다시 환불하지 마십시오.",
                "Do not refund again before its outcome is known.",
            ),
        )
    } else {
        (
            desk.shell.say("환불되었는지 아직 모릅니다", "Whether money went back is not known yet"),
            desk.shell.say(
                "다시 환불하지 마십시오. 잠시 후 결제의 기록을 확인하십시오.",
                "Do not refund again. Look at the history of the payment in a moment.",
            ),
        )
    };
    show(desk, payment, status, (title, text, false)).await
}

async fn show(
    desk: &Desk,
    payment: &payment::Model,
    status: StatusCode,
    (title, text, follows): (&'static str, &'static str, bool),
) -> poem::Result<Response> {
    let pending = pending_of(desk.app.db.read(), &payment.order_id).await.map_err(ApiError::from)?;
    let template = FollowPage {
        shell: desk.frame(Nav::Payments).await?,
        order_id: payment.order_id.to_string(),
        order_name: payment.order_name.clone(),
        title,
        text,
        follows,
        pending: pending.map(|refund| confirm::path(&refund.id.to_string())),
    };
    Ok(desk.page_with(status, &template))
}

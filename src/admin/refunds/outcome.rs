//! How a refund ended, or that its end is still being found out.

use askama::Template;
use entity::refund::{self, RefundStatus};
use entity::{RefundId, payment};
use poem::web::Path;
use poem::{Response, handler};
use sea_orm::EntityTrait;

use crate::admin::desk::{Desk, Frame, Nav};
use crate::admin::view::{Chip, refund_chip};
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::fields;

/// A refund.
#[derive(Template)]
#[template(path = "admin/refunds/outcome.html")]
struct OutcomePage {
    shell: Frame,
    title: &'static str,
    pending: bool,
    state: Chip,
    amount: String,
    reason: String,
    order_id: String,
    order_name: String,
    balance: String,
    failure: Option<String>,
}

/// Shows a refund.
#[handler]
pub(in crate::admin) async fn ended(desk: Desk, Path(id): Path<String>) -> poem::Result<Response> {
    let id: RefundId = fields::row_id("id", &id).map_err(ApiError::from)?;
    let db = desk.app.db.read();
    let refund = refund::Entity::find_by_id(id).one(db).await.map_err(ApiError::from)?;
    let refund = refund.ok_or_else(|| ApiError::from(Code::NotFound))?;
    let payment =
        payment::Entity::find_by_id(refund.order_id.clone()).one(db).await.map_err(ApiError::from)?;
    let payment = payment.ok_or_else(|| ApiError::from(Code::PaymentNotFound))?;
    let shell = desk.frame(Nav::Payments).await?;
    let title = match refund.status {
        RefundStatus::Done => shell.say("환불되었습니다", "The money went back"),
        RefundStatus::Pending => shell.say("환불 결과를 확인하고 있습니다", "The outcome is being found out"),
        RefundStatus::Failed => shell.say("환불되지 않았습니다", "Nothing went back"),
    };
    let words = refund.failure_message.as_deref().unwrap_or_default();
    let template = OutcomePage {
        title,
        pending: refund.status == RefundStatus::Pending,
        state: refund_chip(&shell, refund.status),
        amount: shell.won(refund.amount.get()),
        failure: refund.failure_code.as_ref().map(|code| format!("{code} {words}")),
        reason: refund.reason,
        order_id: payment.order_id.to_string(),
        order_name: payment.order_name,
        balance: shell.won(payment.balance_amount.get()),
        shell,
    };
    Ok(desk.page(&template))
}

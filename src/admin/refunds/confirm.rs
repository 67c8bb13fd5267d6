//! Makes a refund that was previewed: once for each preview, and only if what was seen is still true.

use askama::Template;
use entity::{RefundId, Won, payment};
use poem::Response;
use poem::http::StatusCode;
use sha2::{Digest, Sha256};

use super::follow::{self, CALLER};
use super::wish::Wish;
use crate::admin::desk::{Desk, Frame, Nav};
use crate::admin::form::Fields;
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::fields::{Fault, FieldError};
use crate::idempotency::{self, Asked, Claim, Kept, Taken, Under};
use crate::refunds::{self, RequestError, RequestRefund};

/// Why no money went back.
#[derive(Template)]
#[template(path = "admin/refunds/refused.html")]
struct RefusedPage {
    shell: Frame,
    order_id: String,
    order_name: String,
    why: String,
    /// What Toss said.
    pg: Option<String>,
    code: &'static str,
}

/// Makes the refund. A preview's button that is pressed again leads to the same refund.
pub(super) async fn confirm(
    desk: &Desk,
    payment: &payment::Model,
    fields: &Fields,
    wish: Wish,
) -> poem::Result<Response> {
    let believed = fields.get("believed").and_then(|text| Won::new(text.parse().ok()?));
    let believed = believed.ok_or_else(|| ApiError::from(FieldError::new("believed", Fault::WrongType)))?;
    let key = fields.get("key").and_then(|text| text.parse::<uuid::Uuid>().ok());
    let key = key.ok_or_else(|| ApiError::from(FieldError::new("key", Fault::Uuid)))?;
    let asked = Asked {
        caller: CALLER.to_owned(),
        key: key.to_string(),
        fingerprint: fingerprint(payment, &wish, believed),
    };
    let taken = idempotency::take(&desk.app, &asked, desk.now).await.map_err(ApiError::from)?;
    match taken {
        Taken::Ours(claim) => make(desk, payment, (wish, believed), (claim, key)).await,
        Taken::Made(_, id) => Ok(desk.see_other(&path(&id))),
        Taken::Answered(kept) => Ok(desk.see_other(&path(&kept.body))),
        Taken::Running => Ok(desk.see_other(&follow::path(payment, key))),
        Taken::Reused => Err(ApiError::from(Code::IdempotencyKeyReused).into()),
    }
}

async fn make(
    desk: &Desk,
    payment: &payment::Model,
    (wish, believed): (Wish, Won),
    (claim, key): (Claim, uuid::Uuid),
) -> poem::Result<Response> {
    let command = RequestRefund {
        owner: None,
        order_id: payment.order_id.clone(),
        reason: wish.reason,
        amount: Some(wish.amount),
        believed_balance: Some(believed),
        receive_account: wish.account,
        claim: Some(claim),
        actor: desk.actor.clone(),
    };
    let outcome = tokio::select! {
        outcome = refunds::request(&desk.app, command, desk.now) => outcome,
        never = idempotency::stay(&desk.app, claim) => never,
    };
    match outcome {
        Ok(refunded) => {
            let id = refunded.refund.id;
            keep(desk, claim, id).await;
            Ok(desk.see_other(&path(&id.to_string())))
        }
        Err(error) => {
            // If nothing was made, the button may be pressed again; if something was, it leads there.
            if let Err(error) = idempotency::let_go(&desk.app, claim, desk.app.clock.now()).await {
                tracing::warn!(%error, "the key of a preview could not be let go; its lease will end");
            }
            if is_definite(&error) {
                refused(desk, payment, error).await
            } else {
                unknown(desk, payment, key, error).await
            }
        }
    }
}

/// Whether it is certain that nothing of what was asked for goes back.
fn is_definite(error: &RequestError) -> bool {
    match error {
        RequestError::PaymentNotFound
        | RequestError::NotRefundable(_)
        | RequestError::AlreadyRefunded
        | RequestError::WindowClosed
        | RequestError::ExceedsBalance
        | RequestError::BalanceMoved
        | RequestError::AccountMissing
        | RequestError::AccountMisplaced
        | RequestError::Unavailable(_) => true,
        RequestError::Running
        | RequestError::Misconfigured
        | RequestError::Claim(_)
        | RequestError::Database(_) => false,
    }
}

/// Leads to the refund if one was made all the same; else says that nobody knows yet.
async fn unknown(
    desk: &Desk,
    payment: &payment::Model,
    key: uuid::Uuid,
    error: RequestError,
) -> poem::Result<Response> {
    let under = idempotency::standing(&desk.app, CALLER, &key.to_string(), desk.app.clock.now()).await;
    match under {
        Ok(Under::Made(id)) => return Ok(desk.see_other(&path(&id))),
        Ok(Under::Working | Under::Nothing) => {}
        Err(error) => tracing::warn!(%error, "what a preview's button has made cannot be read"),
    }
    let running = matches!(error, RequestError::Running);
    let status = poem::error::ResponseError::status(&ApiError::from(error));
    follow::unknown(desk, payment, status, running).await
}

/// The refund is the last word on this preview.
async fn keep(desk: &Desk, claim: Claim, id: RefundId) {
    let kept = Kept { status: StatusCode::SEE_OTHER.as_u16(), headers: Vec::new(), body: id.to_string() };
    if let Err(error) = idempotency::keep(&desk.app, claim, kept).await {
        // What was made is written down with the claim, so that a second press finds it even so.
        tracing::warn!(%error, "the outcome of a preview could not be kept");
    }
}

async fn refused(desk: &Desk, payment: &payment::Model, error: RequestError) -> poem::Result<Response> {
    let shell = desk.frame(Nav::Payments).await?;
    let moved = matches!(error, RequestError::BalanceMoved);
    let error = ApiError::from(error);
    let why = if moved {
        shell.say(
            "그 사이에 남은 금액이 바뀌었습니다. 미리 보기부터 다시 하십시오.",
            "The balance has changed in the meantime. Please preview again.",
        )
    } else {
        error.code.detail(shell.language)
    };
    let template = RefusedPage {
        order_id: payment.order_id.to_string(),
        order_name: payment.order_name.clone(),
        why: why.to_owned(),
        pg: error.pg.as_ref().map(|failure| format!("{} {}", failure.code, failure.message)),
        code: if moved { "BALANCE_MOVED" } else { error.code.as_str() },
        shell,
    };
    Ok(desk.page_with(poem::error::ResponseError::status(&error), &template))
}

/// The page of a refund.
pub(super) fn path(refund: &str) -> String {
    format!("/admin/refunds/{refund}")
}

/// A digest of what is confirmed.
fn fingerprint(payment: &payment::Model, wish: &Wish, believed: Won) -> String {
    let account = serde_json::json!(wish.account).to_string();
    let (amount, believed) = (wish.amount.to_string(), believed.to_string());
    let mut digest = Sha256::new();
    for part in [payment.order_id.as_str(), &amount, &believed, &wish.reason, &account] {
        digest.update(part.len().to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

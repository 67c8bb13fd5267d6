//! What a refund would do: to the payment, to the subscription, to the event total.

use askama::Template;
use entity::payment;
use poem::Response;
use poem::http::StatusCode;

use super::form;
use super::wish::Wish;
use crate::admin::desk::{Desk, Frame, Nav};
use crate::admin::form::Fields;
use crate::admin::payments::{Standing, standing};
use crate::admin::view::{Chip, When, subscription_chip};
use crate::http::error::ApiError;
use crate::plans;
use crate::refunds::{pending_of, window_is_open};
use crate::subscriptions::{self, PeriodError};
use crate::toss;

/// What would happen, and the button that makes it happen.
#[derive(Template)]
#[template(path = "admin/refunds/preview.html")]
struct PreviewPage {
    shell: Frame,
    order_id: String,
    order_name: String,
    user_id: String,
    /// Made up for this page, so that its button counts once.
    key: String,
    amount: i64,
    goes_back: String,
    /// Where it goes.
    goes_to: String,
    reason: String,
    account: Option<toss::ReceiveAccount>,
    believed: i64,
    had: String,
    left: String,
    becomes: Becomes,
}

/// What becomes of what the payment gave.
enum Becomes {
    /// The subscription stays as it is.
    Unchanged(Option<Standing>),
    /// The subscription becomes this.
    Changed(Option<Standing>, Standing),
    /// Nothing is left of the subscription.
    Ends(Option<Standing>),
    /// The event total is lower by so much.
    Lower(String),
}

/// Shows what the wish would do; nothing is done.
pub(super) async fn preview(
    desk: &Desk,
    payment: &payment::Model,
    fields: &Fields,
    wish: Wish,
) -> poem::Result<Response> {
    let window = desk.app.config.billing.refund_window();
    let open = payment.approved_at.is_some_and(|at| window_is_open(at, window, desk.now));
    let pending = pending_of(desk.app.db.read(), &payment.order_id).await.map_err(ApiError::from)?;
    if !open || pending.is_some() {
        // The form itself says why.
        return form::again(desk, payment, fields, Vec::new(), StatusCode::CONFLICT).await;
    }
    let shell = desk.frame(Nav::Payments).await?;
    let left = payment.balance_amount.get() - wish.amount.get();
    let goes_to = match &wish.account {
        Some(account) => {
            let bank = toss::bank(&account.bank).unwrap_or_default();
            format!("{bank} {} ({})", account.account_number, account.holder_name)
        }
        None => payment.payment_method.clone().unwrap_or_default(),
    };
    let template = PreviewPage {
        order_id: payment.order_id.to_string(),
        order_name: payment.order_name.clone(),
        user_id: payment.user_id.to_string(),
        key: uuid::Uuid::new_v4().to_string(),
        amount: wish.amount.get(),
        goes_back: shell.won(wish.amount.get()),
        goes_to,
        reason: wish.reason,
        account: wish.account,
        believed: payment.balance_amount.get(),
        had: shell.won(payment.balance_amount.get()),
        left: shell.won(left),
        becomes: becomes(desk, payment, wish.amount.get(), left).await?,
        shell,
    };
    Ok(desk.page(&template))
}

async fn becomes(desk: &Desk, payment: &payment::Model, amount: i64, left: i64) -> Result<Becomes, ApiError> {
    if payment.interval_months.is_none() {
        return Ok(Becomes::Lower(desk.shell.won(amount)));
    }
    let now = standing(desk, &payment.user_id).await?;
    if left > 0 {
        return Ok(Becomes::Unchanged(now));
    }
    let (db, zone) = (desk.app.db.read(), desk.app.config.billing.timezone);
    let state = subscriptions::preview_refund(db, zone, &payment.user_id, &payment.order_id, desk.now)
        .await
        .map_err(read)?;
    let Some(state) = state else { return Ok(Becomes::Ends(now)) };
    let plan = plans::find(db, state.plan_id).await?;
    let then = Standing {
        state: subscription_chip(&desk.shell, state.status),
        plan: plan.map(|plan| plan.name).unwrap_or_default(),
        start: When::of(&desk.shell, state.start_date),
        end: When::of(&desk.shell, state.end_date),
    };
    Ok(Becomes::Changed(now, then))
}

fn read(error: PeriodError) -> ApiError {
    match error {
        PeriodError::Database(error) => error.into(),
        other => {
            tracing::error!(error = %other, "a subscription cannot be previewed");
            crate::http::code::Code::Internal.into()
        }
    }
}

impl PreviewPage {
    fn ended(&self) -> Chip {
        subscription_chip(&self.shell, entity::subscription::SubscriptionStatus::Canceled)
    }
}

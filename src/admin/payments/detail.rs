//! One payment: how it stands, what may be done with it, and why the buyer was charged.

use askama::Template;
use entity::refund::RefundStatus;
use entity::{OrderId, UserId, payment};
use poem::web::{Path, Query};
use poem::{Response, handler};
use serde::Deserialize;

use super::story::{Line, story};
use super::told::told;
use crate::admin::desk::{Desk, Frame, Nav};
use crate::admin::view::{Chip, When, interval, payment_chip, subscription_chip, user_link};
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::fields;
use crate::payments;
use crate::subscriptions;
use crate::toss;

/// A payment with its history.
#[derive(Template)]
#[template(path = "admin/payments/detail.html")]
struct DetailPage {
    shell: Frame,
    payment: View,
    /// What has just been done.
    notice: Option<&'static str>,
    /// Whether money is left that could go back.
    refundable: bool,
    /// The refund that is under way.
    pending: Option<String>,
    subscription: Option<Standing>,
    story: Vec<Line>,
}

struct View {
    order_id: String,
    order_name: String,
    user_id: String,
    user_link: String,
    plan_id: String,
    state: Chip,
    amount: String,
    balance: String,
    buys: String,
    method: Option<String>,
    payment_key: Option<String>,
    receipt_url: Option<String>,
    failure: Option<String>,
    account: Option<Account>,
    times: Vec<(&'static str, When)>,
}

struct Account {
    bank: String,
    number: String,
    holder: String,
    due: Option<When>,
}

/// The buyer's subscription as of now.
pub(in crate::admin) struct Standing {
    pub(in crate::admin) state: Chip,
    pub(in crate::admin) plan: String,
    pub(in crate::admin) start: When,
    pub(in crate::admin) end: When,
}

/// What has just been done.
#[derive(Debug, Deserialize)]
pub(in crate::admin) struct Wanted {
    notice: Option<String>,
}

/// Shows a payment.
#[handler]
pub(in crate::admin) async fn page(
    desk: Desk,
    Path(order_id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> poem::Result<Response> {
    let order_id: OrderId = fields::id("orderId", &order_id).map_err(ApiError::from)?;
    let db = desk.app.db.read();
    let found = payments::find(db, &order_id, None).await.map_err(ApiError::from)?;
    let payment = found.ok_or_else(|| ApiError::from(Code::PaymentNotFound))?;
    let told = told(db, &order_id).await.map_err(ApiError::from)?;
    let subscription = standing(&desk, &payment.user_id).await?;
    let shell = desk.frame(Nav::Payments).await?;
    let pending = told.refunds.iter().find(|refund| refund.status == RefundStatus::Pending);
    let pending = pending.map(|refund| format!("/admin/refunds/{}", refund.id));
    let asked = wanted.notice.as_deref() == Some("asked");
    let template = DetailPage {
        notice: asked.then(|| {
            shell.say(
                "토스에 물었습니다. 아래가 지금의 상태입니다.",
                "Toss has been asked. This is how the payment stands now.",
            )
        }),
        refundable: pending.is_none() && payment.approved_at.is_some() && !payment.balance_amount.is_zero(),
        pending,
        story: story(&shell, &payment, &told),
        payment: View::of(&shell, payment),
        subscription,
        shell,
    };
    Ok(desk.page(&template))
}

/// The subscription of `user_id` as of the request.
pub(in crate::admin) async fn standing(desk: &Desk, user_id: &UserId) -> Result<Option<Standing>, ApiError> {
    let db = desk.app.db.read();
    let Some(subscribed) = subscriptions::of_user(db, user_id, desk.now).await? else { return Ok(None) };
    Ok(Some(Standing {
        state: subscription_chip(&desk.shell, subscribed.status),
        plan: subscribed.plan.name,
        start: When::of(&desk.shell, subscribed.row.start_date),
        end: When::of(&desk.shell, subscribed.row.end_date),
    }))
}

impl View {
    fn of(shell: &Frame, payment: payment::Model) -> Self {
        let failure = payment.failure_code.as_ref();
        let message = payment.failure_message.as_deref().unwrap_or_default();
        let times = [
            (shell.say("결제창 열림", "Window opened"), payment.requested_at),
            (shell.say("승인", "Approved"), payment.approved_at),
            (shell.say("기록", "First written"), Some(payment.created_at)),
            (shell.say("최근 변경", "Last changed"), Some(payment.updated_at)),
            (shell.say("다음 확인", "Asked again"), payment.next_settle_at),
        ];
        let account = payment.virtual_account.clone();
        let account = account.and_then(|value| serde_json::from_value::<toss::VirtualAccount>(value).ok());
        Self {
            state: payment_chip(shell, &payment),
            user_link: user_link(payment.user_id.as_str()),
            amount: shell.won(payment.amount.get()),
            balance: shell.won(payment.balance_amount.get()),
            buys: interval(shell, payment.interval_months),
            failure: failure.map(|code| format!("{code} {message}")),
            account: account.map(|account| Account {
                bank: account.bank.unwrap_or_default(),
                number: account.account_number.unwrap_or_default(),
                holder: account.customer_name.unwrap_or_default(),
                due: account.due_date.map(|at| When::of(shell, at)),
            }),
            times: times.into_iter().filter_map(|(name, at)| Some((name, When::exact(shell, at?)))).collect(),
            order_id: payment.order_id.to_string(),
            order_name: payment.order_name,
            user_id: payment.user_id.to_string(),
            plan_id: payment.plan_id.to_string(),
            method: payment.payment_method,
            payment_key: payment.payment_key.map(|key| key.to_string()),
            // Only what a browser should be sent to.
            receipt_url: payment
                .receipt_url
                .filter(|url| url.starts_with("https://") || url.starts_with("http://")),
        }
    }
}

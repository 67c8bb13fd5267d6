//! `/checkout/{orderId}`: the order's page, in whatever state the order is.

use askama::Template;
use chrono::{DateTime, Utc};
use entity::OrderId;
use entity::payment::{self, PaymentStatus};
use poem::http::StatusCode;
use poem::web::{Data, Path, Query};
use poem::{Request, Response, handler};

use super::link::Token;
use super::refusal::CLOSED;
use super::returns::{ReturnUrls, return_urls};
use super::standing::{Deposit, Open, Over, Refusal, Standing};
use super::state::Link;
use crate::app::App;
use crate::config::TossKeyFamily;
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::language::Language;
use crate::pages::{Policy, Shell, page};
use crate::payments::Receipt;
use crate::subscriptions::schedule::Slot;
use crate::temp_orders::Quoted;

/// To be paid.
#[derive(Template)]
#[template(path = "checkout/order.html")]
struct OrderPage<'a> {
    shell: Shell,
    quoted: &'a Quoted,
    slot: Option<&'a Slot>,
    failure: Option<&'a Refusal>,
    refund_days: u32,
    terms_url: Option<String>,
    client_key: &'a str,
    family: TossKeyFamily,
    sdk_url: String,
    success_url: String,
    fail_url: String,
    state_url: String,
    shop: Option<String>,
    /// Seconds that are left to pay.
    left: i64,
}

/// Being confirmed.
#[derive(Template)]
#[template(path = "checkout/confirming.html")]
struct ConfirmingPage<'a> {
    shell: Shell,
    payment: &'a payment::Model,
    state_url: String,
}

/// Waiting for a deposit.
#[derive(Template)]
#[template(path = "checkout/deposit.html")]
struct DepositPage<'a> {
    shell: Shell,
    deposit: &'a Deposit,
    state_url: String,
    shop: Option<String>,
}

/// Paid.
#[derive(Template)]
#[template(path = "checkout/receipt.html")]
struct ReceiptPage<'a> {
    shell: Shell,
    payment: &'a payment::Model,
    period: Option<&'a Slot>,
    receipt_url: Option<&'a str>,
    shop: Option<String>,
    now: DateTime<Utc>,
}

/// Over.
#[derive(Template)]
#[template(path = "checkout/over.html")]
struct OverPage<'a> {
    shell: Shell,
    order_id: &'a OrderId,
    over: &'a Over,
    shop: Option<String>,
}

/// The link has ended.
#[derive(Template)]
#[template(path = "checkout/closed.html")]
struct ClosedPage {
    shell: Shell,
}

/// The order's page.
#[handler]
pub(super) async fn order(
    app: Data<&App>,
    request: &Request,
    Path(order_id): Path<String>,
    Query(link): Query<Link>,
) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let token = Token::read(&app, &order_id, &link.token, now)?;
    let standing = Standing::of(&app, token.order_id(), now).await?;
    let shell = Shell::of(&app, request);
    if token.closed_for(&standing) {
        return Ok(page(&app, StatusCode::GONE, Policy::Own, &ClosedPage { shell }));
    }
    let urls = return_urls(&app, token.order_id()).await?;
    let show = Show { app: &app, token: &token, urls: &urls, language: Language::asked(request), now };
    match &standing {
        Standing::Open(open) => show.open(shell, open),
        Standing::Confirming(payment) => {
            let template = ConfirmingPage { shell, payment, state_url: token.state() };
            Ok(page(&app, StatusCode::OK, Policy::Own, &template))
        }
        Standing::Deposit(deposit) => {
            // The shop is told nothing that it could take for a payment.
            let shop = urls.after_failure(token.order_id(), "WAITING_FOR_DEPOSIT", "");
            let template = DepositPage { shell, deposit, state_url: token.state(), shop };
            Ok(page(&app, StatusCode::OK, Policy::Own, &template))
        }
        Standing::Paid(receipt) => Ok(show.receipt(shell, receipt)),
        Standing::Over(over) => Ok(show.over(shell, over)),
    }
}

/// What all states of the page know.
struct Show<'a> {
    app: &'a App,
    token: &'a Token,
    urls: &'a ReturnUrls,
    language: Option<Language>,
    now: DateTime<Utc>,
}

impl Show<'_> {
    fn open(&self, shell: Shell, open: &Open) -> Result<Response, ApiError> {
        let Self { app, token, urls, language, now } = *self;
        // Serving refuses to start without one.
        let client_key = app.config.toss.client_key.as_deref().ok_or(Code::Internal)?;
        let template = OrderPage {
            quoted: &open.quoted,
            slot: open.slot.as_ref(),
            failure: open.failure.as_ref(),
            refund_days: app.config.billing.refund_window_days,
            terms_url: app.config.checkout.terms_url.as_ref().map(ToString::to_string),
            client_key,
            family: TossKeyFamily::of(client_key),
            sdk_url: app.config.toss.sdk_url.to_string(),
            success_url: token.success(app, language),
            fail_url: token.fail(app, language),
            state_url: token.state(),
            shop: urls.after_failure(token.order_id(), CLOSED, ""),
            left: (open.quoted.order.expires_at - now).num_seconds(),
            shell,
        };
        Ok(page(app, StatusCode::OK, Policy::Toss, &template))
    }

    fn receipt(&self, shell: Shell, receipt: &Receipt) -> Response {
        let payment = &receipt.payment;
        let mut bought = receipt.subscription.iter().flat_map(|subscribed| &subscribed.periods);
        let kept = !payment.balance_amount.is_zero();
        let template = ReceiptPage {
            shell,
            payment,
            period: bought.find(|period| period.order_id == payment.order_id),
            receipt_url: payment.receipt_url.as_deref().filter(|url| is_web(url)),
            shop: self.urls.after_success(&payment.order_id).filter(|_| kept),
            now: self.now,
        };
        page(self.app, StatusCode::OK, Policy::Own, &template)
    }

    fn over(&self, shell: Shell, over: &Over) -> Response {
        let (code, message) = match over {
            Over::Expired(Some(refusal)) => (refusal.failure.code.as_str(), refusal.failure.message.as_str()),
            Over::Expired(None) => ("ORDER_EXPIRED", ""),
            Over::AccountExpired => ("DEPOSIT_EXPIRED", ""),
            Over::Cancelled => ("CANCELED", ""),
        };
        let order_id = self.token.order_id();
        let shop = self.urls.after_failure(order_id, code, message);
        page(self.app, StatusCode::GONE, Policy::Own, &OverPage { shell, order_id, over, shop })
    }
}

impl ReceiptPage<'_> {
    /// What came back to the buyer, in won.
    fn refunded(&self) -> i64 {
        self.payment.amount.get() - self.payment.balance_amount.get()
    }

    /// Whether all of it came back.
    fn all_refunded(&self) -> bool {
        self.payment.status != PaymentStatus::Done && self.payment.balance_amount.is_zero()
    }

    /// What the buyer has of it now.
    fn thanks(&self) -> &'static str {
        let say = |korean, english| self.shell.say(korean, english);
        match self.period {
            Some(period) if period.starts_at > self.now => say(
                "감사합니다. 지금 이용 중인 기간이 끝나면 이어서 이용할 수 있습니다.",
                "Thank you. It follows when your current period ends.",
            ),
            Some(period) if period.ends_at > self.now => {
                say("감사합니다. 바로 이용할 수 있습니다.", "Thank you. You are all set.")
            }
            Some(_) | None => say("감사합니다.", "Thank you."),
        }
    }
}

impl DepositPage<'_> {
    fn due(&self) -> Option<DateTime<Utc>> {
        self.deposit.account.as_ref().and_then(|account| account.due_date)
    }

    /// Whether the money was there before and the bank has taken it back.
    fn reversed(&self) -> bool {
        self.deposit.payment.approved_at.is_some()
    }
}

/// A link that a browser may follow: nothing that would run as a script.
fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

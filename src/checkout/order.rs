//! `/checkout/{orderId}`: the order's page, in whatever state the order is.

use askama::Template;
use chrono::{DateTime, Utc};
use entity::payment::{self, PaymentStatus};
use entity::subscription_period;
use poem::http::StatusCode;
use poem::web::{Data, Path, Query};
use poem::{Request, Response, handler};

use super::link::Token;
use super::returns::{ReturnUrls, return_urls};
use super::standing::{Open, Standing};
use super::state::Link;
use crate::app::App;
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::language::Language;
use crate::pages::{Policy, Shell, page};
use crate::payments::Receipt;
use crate::subscriptions::schedule::Slot;
use crate::temp_orders::Quoted;
use crate::toss::{Failure, VirtualAccount};

/// To be paid.
#[derive(Template)]
#[template(path = "checkout/order.html")]
struct OrderPage<'a> {
    shell: Shell,
    quoted: &'a Quoted,
    slot: Option<&'a Slot>,
    failure: Option<&'a Failure>,
    refund_days: u32,
    terms_url: Option<String>,
    client_key: &'a str,
    sdk_url: String,
    success_url: String,
    fail_url: String,
    state_url: String,
    shop: Option<String>,
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
    payment: &'a payment::Model,
    account: Option<&'a VirtualAccount>,
    state_url: String,
    shop: Option<String>,
}

/// Paid.
#[derive(Template)]
#[template(path = "checkout/receipt.html")]
struct ReceiptPage<'a> {
    shell: Shell,
    payment: &'a payment::Model,
    period: Option<&'a subscription_period::Model>,
    receipt_url: Option<&'a str>,
    shop: Option<String>,
}

/// Over.
#[derive(Template)]
#[template(path = "checkout/over.html")]
struct OverPage<'a> {
    shell: Shell,
    failure: Option<&'a Failure>,
    shop: Option<String>,
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
    let urls = return_urls(&app, token.order_id()).await?;
    let shell = Shell::of(&app, request);
    let show = Show { app: &app, token: &token, urls: &urls, language: Language::asked(request) };
    match &standing {
        Standing::Open(open) => show.open(shell, open),
        Standing::Confirming(payment) => {
            let template = ConfirmingPage { shell, payment, state_url: token.state() };
            Ok(page(&app, StatusCode::OK, Policy::Own, &template))
        }
        Standing::Deposit(payment, account) => {
            let shop = urls.after_success(token.order_id());
            let account = account.as_ref();
            let template = DepositPage { shell, payment, account, state_url: token.state(), shop };
            Ok(page(&app, StatusCode::OK, Policy::Own, &template))
        }
        Standing::Paid(receipt) => Ok(show.receipt(shell, receipt)),
        Standing::Over(failure) => {
            let (code, message) =
                failure.as_ref().map_or(("ORDER_EXPIRED", ""), |failure| (&failure.code, &failure.message));
            let shop = urls.after_failure(token.order_id(), code, message);
            let template = OverPage { shell, failure: failure.as_ref(), shop };
            Ok(page(&app, StatusCode::GONE, Policy::Own, &template))
        }
    }
}

/// What all states of the page know.
struct Show<'a> {
    app: &'a App,
    token: &'a Token,
    urls: &'a ReturnUrls,
    language: Option<Language>,
}

impl Show<'_> {
    fn open(&self, shell: Shell, open: &Open) -> Result<Response, ApiError> {
        let Self { app, token, urls, language } = *self;
        // Serving refuses to start without one.
        let client_key = app.config.toss.client_key.as_deref().ok_or(Code::Internal)?;
        let template = OrderPage {
            quoted: &open.quoted,
            slot: open.slot.as_ref(),
            failure: open.failure.as_ref(),
            refund_days: app.config.billing.refund_window_days,
            terms_url: app.config.checkout.terms_url.as_ref().map(ToString::to_string),
            client_key,
            sdk_url: app.config.toss.sdk_url.to_string(),
            success_url: token.success(app, language),
            fail_url: token.fail(app, language),
            state_url: token.state(),
            shop: urls.after_failure(token.order_id(), "PAY_PROCESS_CANCELED", ""),
            shell,
        };
        Ok(page(app, StatusCode::OK, Policy::Toss, &template))
    }

    fn receipt(&self, shell: Shell, receipt: &Receipt) -> Response {
        let payment = &receipt.payment;
        let bought = receipt.subscription.iter().flat_map(|subscribed| &subscribed.periods);
        let template = ReceiptPage {
            shell,
            payment,
            period: bought.into_iter().find(|period| period.order_id == payment.order_id),
            receipt_url: payment.receipt_url.as_deref().filter(|url| is_web(url)),
            shop: self.urls.after_success(&payment.order_id),
        };
        page(self.app, StatusCode::OK, Policy::Own, &template)
    }
}

impl ReceiptPage<'_> {
    /// What came back to the buyer, in won.
    fn refunded(&self) -> i64 {
        self.payment.amount.get() - self.payment.balance_amount.get()
    }

    /// Whether all of it came back.
    fn all_refunded(&self) -> bool {
        self.payment.status != PaymentStatus::Done && self.payment.balance_amount.get() == 0
    }

    /// Whether money ever came in.
    fn was_paid(&self) -> bool {
        self.payment.approved_at.is_some()
    }
}

impl DepositPage<'_> {
    fn due(&self) -> Option<DateTime<Utc>> {
        self.account.and_then(|account| account.due_date)
    }
}

/// A link that a browser may follow: nothing that would run as a script.
fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

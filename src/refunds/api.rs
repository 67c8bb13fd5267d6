//! Refunds over HTTP.

use std::fmt;

use entity::refund::{self, RefundStatus};
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use serde::Deserialize;

use super::{RefundFilter, Refunded, RequestError, RequestRefund, list, request, standing};
use crate::app::App;
use crate::auth::Caller;
use crate::http::Tag;
use crate::http::body::Json;
use crate::http::code::{AUTH, BODY, Code, INPUT, KEYED};
use crate::http::error::{Answer, ApiError, refusals};
use crate::http::fields::{self, Fault, FieldError, Together};
use crate::http::idempotency::Keyed;
use crate::http::nullable::Nullable;
use crate::http::page::PageRequest;
use crate::http::time::Instant;
use crate::payments::PaymentView;
use crate::subscriptions::api::SubscriptionView;
use crate::toss::{self, ReceiveAccount};

/// How a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "RefundStatus", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Standing {
    /// Not known yet; the service finds it out by itself.
    Pending,
    /// The money went back.
    Done,
    /// It did not and will not.
    Failed,
}

/// A refund.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Refund", rename_all = "camelCase")]
pub struct RefundView {
    /// Identifies the refund.
    pub id: String,
    /// The order whose money goes back.
    pub order_id: String,
    /// How much, in won.
    pub amount: i64,
    /// Why.
    pub reason: String,
    /// How it stands.
    pub status: Standing,
    /// When it was asked for.
    pub created_at: Instant,
    /// When Toss gave the money back.
    pub refunded_at: Nullable<Instant>,
}

impl From<refund::Model> for RefundView {
    fn from(refund: refund::Model) -> Self {
        let status = match refund.status {
            RefundStatus::Pending => Standing::Pending,
            RefundStatus::Done => Standing::Done,
            RefundStatus::Failed => Standing::Failed,
        };
        Self {
            id: refund.id.to_string(),
            order_id: refund.order_id.to_string(),
            amount: refund.amount.get(),
            reason: refund.reason,
            status,
            created_at: refund.created_at.into(),
            refunded_at: refund.refunded_at.map(Instant::from).into(),
        }
    }
}

/// One page of refunds, newest first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RefundPage {
    /// The refunds.
    pub items: Vec<RefundView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Nullable<String>,
}

/// A refund and what it left.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Cancellation")]
pub struct CancellationView {
    /// The refund.
    pub refund: RefundView,
    /// The payment.
    pub payment: PaymentView,
    /// What is left of the buyer's subscription; null for an event.
    pub subscription: Nullable<SubscriptionView>,
}

impl CancellationView {
    fn of(refunded: Refunded) -> Self {
        Self {
            refund: refunded.refund.into(),
            payment: refunded.payment.into(),
            subscription: refunded.subscription.map(SubscriptionView::of).into(),
        }
    }
}

/// What is to be given back.
#[derive(Debug, Object, Deserialize)]
#[oai(rename_all = "camelCase", example, skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CancelPayment {
    /// Why, 1 to 200 characters; Toss keeps it.
    #[oai(validator(min_length = 1, max_length = 200))]
    cancel_reason: String,
    /// How much, in won; all that is left unless said otherwise.
    cancel_amount: Option<i64>,
    /// Where the money goes: needed for a virtual account that was paid, and refused for anything else. It is handed to
    /// Toss and forgotten once the refund is decided.
    refund_receive_account: Option<RefundReceiveAccount>,
}

impl Example for CancelPayment {
    fn example() -> Self {
        CancelPayment {
            cancel_reason: "단순 변심".to_owned(),
            cancel_amount: None,
            refund_receive_account: None,
        }
    }
}

/// The buyer's own account.
#[derive(Object, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RefundReceiveAccount {
    /// Toss's two-character code of the bank, such as `88`.
    #[oai(validator(min_length = 2, max_length = 2))]
    pub(crate) bank: String,
    /// The number, 1 to 20 digits.
    #[oai(validator(min_length = 1, max_length = 20))]
    pub(crate) account_number: String,
    /// Whose it is, 1 to 60 characters.
    #[oai(validator(min_length = 1, max_length = 60))]
    pub(crate) holder_name: String,
}

/// Whose account it is, and which, is nobody's business but Toss's.
impl fmt::Debug for RefundReceiveAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefundReceiveAccount(…)")
    }
}

impl RefundReceiveAccount {
    /// The account, if it can be one.
    ///
    /// # Errors
    /// Every field at fault.
    pub(crate) fn parse(&self) -> Result<ReceiveAccount, Vec<FieldError>> {
        let bank = toss::bank(&self.bank).map(|_| self.bank.clone());
        let digits = (1..=20).contains(&self.account_number.len())
            && self.account_number.bytes().all(|byte| byte.is_ascii_digit());
        let field = |name: &str| format!("refundReceiveAccount.{name}");
        let (bank, account_number, holder_name) = (
            bank.ok_or_else(|| FieldError::new(field("bank"), Fault::OneOf("Toss's bank codes"))),
            digits
                .then(|| self.account_number.clone())
                .ok_or_else(|| FieldError::new(field("accountNumber"), Fault::Text { min: 1, max: 20 })),
            fields::text("refundReceiveAccount.holderName", &self.holder_name, 1, 60),
        )
            .together()?;
        Ok(ReceiveAccount { bank, account_number, holder_name })
    }
}

/// How a wish for money back was answered.
#[derive(ApiResponse)]
enum CancelAnswer {
    /// The money went back.
    #[oai(status = 200)]
    Done(Json<CancellationView>),
    /// The outcome is not known yet. The service finds it out by itself; poll the payment or the refunds.
    #[oai(status = 202)]
    Pending(
        Json<CancellationView>,
        /// Seconds until polling is worth it.
        #[oai(header = "Retry-After")]
        String,
    ),
}

refusals! {
    /// Giving money back.
    CancelRefusals = [BODY, AUTH, KEYED, &[
        Code::PaymentNotFound, Code::PaymentNotRefundable, Code::AlreadyRefunded, Code::RefundWindowClosed,
        Code::RefundExceedsBalance, Code::RequestInProgress, Code::PgUnavailable,
    ]];
    /// Listing refunds.
    ListRefusals = [INPUT, AUTH];
}

/// The field that names an account for the money.
const ACCOUNT: &str = "refundReceiveAccount";

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::PaymentNotFound => Code::PaymentNotFound.into(),
            RequestError::NotRefundable(failure) => Self::with_pg(Code::PaymentNotRefundable, failure),
            RequestError::AlreadyRefunded => Code::AlreadyRefunded.into(),
            RequestError::WindowClosed => Code::RefundWindowClosed.into(),
            // Only pages say what they believe, and they tell it in words of their own.
            RequestError::ExceedsBalance | RequestError::BalanceMoved => Code::RefundExceedsBalance.into(),
            RequestError::Running => Code::RequestInProgress.into(),
            RequestError::AccountMissing => FieldError::new(ACCOUNT, Fault::Missing).into(),
            RequestError::AccountMisplaced => {
                FieldError::new(ACCOUNT, Fault::Misplaced("is only for virtual accounts")).into()
            }
            RequestError::Misconfigured => Code::PgUnavailable.into(),
            RequestError::Unavailable(refused) => Self::retry_after(Code::PgUnavailable, refused.retry_after),
            RequestError::Claim(error) => error.into(),
            RequestError::Database(error) => error.into(),
        }
    }
}

/// Refunds.
#[derive(Clone, Copy, Debug, Default)]
pub struct RefundsApi;

#[OpenApi(prefix_path = "/v1", tag = "Tag::Refunds")]
impl RefundsApi {
    /// Give a payment back
    ///
    /// All of it or a part, within `billing.refund_window_days` after the approval. When nothing is left of the payment,
    /// the period that it paid for is taken back and later ones move up. Any role; a user only its own.
    #[oai(path = "/payments/:orderId/cancel", method = "post", operation_id = "cancelPayment")]
    async fn cancel(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// The order.
        #[oai(name = "orderId")]
        order_id: Path<String>,
        /// 1 to 255 printable ASCII characters that the caller makes up for this one request. For a day, the same request
        /// with the same key is done once; a repeat gets the first answer again, with `Idempotency-Replayed: true`.
        #[oai(name = "Idempotency-Key")]
        key: Keyed,
        body: Json<CancelPayment>,
    ) -> Answer<CancelAnswer, CancelRefusals> {
        let (order_id, reason, amount) = (
            fields::id("orderId", &order_id.0),
            fields::text("cancelReason", &body.0.cancel_reason, 1, 200),
            body.0.cancel_amount.map(|amount| fields::won("cancelAmount", amount, 1)).transpose(),
        )
            .together()?;
        let account = body.0.refund_receive_account.as_ref().map(RefundReceiveAccount::parse).transpose()?;
        let now = app.clock.now();
        let refunded = match key.made()? {
            Some(refund) => standing(&app, refund, now).await?,
            None => {
                let wish = RequestRefund {
                    owner: caller.owner(),
                    order_id,
                    reason,
                    amount,
                    believed_balance: None,
                    receive_account: account,
                    claim: key.claim(),
                    actor: caller.actor(),
                };
                request(&app, wish, now).await?
            }
        };
        let pending = refunded.refund.status == RefundStatus::Pending;
        let view = Json(CancellationView::of(refunded));
        Ok(if pending { CancelAnswer::Pending(view, "2".to_owned()) } else { CancelAnswer::Done(view) })
    }

    /// List refunds
    ///
    /// Newest first. A user sees its own, a service those of the user or order that it names, an admin all.
    #[oai(path = "/refunds", method = "get", operation_id = "listRefunds")]
    async fn list(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// Only those of this order.
        #[oai(name = "orderId")]
        order_id: Query<Option<String>>,
        /// Only those of this user.
        #[oai(name = "userId")]
        user_id: Query<Option<String>>,
        /// Rows on the page, 1 to 100; 20 unless said otherwise.
        limit: Query<Option<u32>>,
        /// `nextCursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Json<RefundPage>, ListRefusals> {
        let (order_id, user_id, page) = (
            fields::maybe_id("orderId", order_id.0.as_deref()),
            fields::maybe_id("userId", user_id.0.as_deref()),
            PageRequest::parse("refunds", limit.0, cursor.0.as_deref()),
        )
            .together()?;
        let user_id = caller.listing(user_id, order_id.is_some())?;
        let filter = RefundFilter { order_id, user_id, ..RefundFilter::default() };
        let page = list(app.db.read(), filter, &page).await?.map(RefundView::from);
        Ok(Json(RefundPage { items: page.items, next_cursor: page.next_cursor.into() }))
    }
}

//! Payments over HTTP.

use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Deserialize;

use super::view::{ConfirmationView, PaymentPage, PaymentView, Standing};
use super::{
    Confirm, ConfirmError, Confirmed, Fail, FailError, PaymentFilter, confirm, fail, find, list, standing,
};
use crate::app::App;
use crate::auth::Caller;
use crate::http::Tag;
use crate::http::body::Json;
use crate::http::code::{AUTH, BODY, Code, INPUT, KEYED};
use crate::http::error::{Answer, ApiError, refusals};
use crate::http::fields::{self, Together};
use crate::http::idempotency::Keyed;
use crate::http::page::PageRequest;
use crate::toss::Failure;

/// What the success URL brought.
#[derive(Object, Deserialize)]
#[oai(rename_all = "camelCase", example, skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConfirmPayment {
    /// Toss's key of the authenticated payment, 1 to 200 characters.
    #[oai(validator(min_length = 1, max_length = 200))]
    payment_key: String,
    /// The order, 6 to 64 characters.
    #[oai(validator(min_length = 6, max_length = 64))]
    order_id: String,
    /// The amount, in won. It is compared with the order's and never trusted.
    amount: i64,
    /// What the payment widget adds (`NORMAL`, `BRANDPAY`); nothing depends on it.
    payment_type: Option<String>,
}

impl Example for ConfirmPayment {
    fn example() -> Self {
        ConfirmPayment {
            payment_key: "tgen_202611212137572FmvoLbwl9".to_owned(),
            order_id: "1M7Z1T1JYssYRzFq6IdK0chSqlYEIpG".to_owned(),
            amount: 9_900,
            payment_type: Some("NORMAL".to_owned()),
        }
    }
}

/// What the fail URL brought.
#[derive(Debug, Object, Deserialize)]
#[oai(rename_all = "camelCase", example, skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FailPayment {
    /// The order, 6 to 64 characters.
    #[oai(validator(min_length = 6, max_length = 64))]
    order_id: String,
    /// Toss's code, 1 to 100 characters.
    #[oai(validator(min_length = 1, max_length = 100))]
    code: String,
    /// Toss's words, at most 510 characters.
    #[oai(validator(max_length = 510))]
    message: String,
}

impl Example for FailPayment {
    fn example() -> Self {
        FailPayment {
            order_id: "1M7Z1T1JYssYRzFq6IdK0chSqlYEIpG".to_owned(),
            code: "PAY_PROCESS_CANCELED".to_owned(),
            message: "사용자에 의해 결제가 취소되었습니다.".to_owned(),
        }
    }
}

/// How a confirmation was answered.
#[derive(ApiResponse)]
enum ConfirmAnswer {
    /// Approved and recorded; of a virtual account, issued. Repeating the confirmation gives the same again.
    #[oai(status = 200)]
    Recorded(Json<ConfirmationView>),
    /// The outcome is not known yet. The service finds it out by itself; poll the payment.
    #[oai(status = 202)]
    Pending(
        Json<ConfirmationView>,
        /// Seconds until polling is worth it.
        #[oai(header = "Retry-After")]
        String,
    ),
}

refusals! {
    /// Confirming.
    ConfirmRefusals = [BODY, AUTH, KEYED, &[
        Code::AmountMismatch, Code::PaymentRejected, Code::OrderNotFound, Code::PaymentKeyConflict, Code::OrderExpired,
        Code::PgUnavailable,
    ]];
    /// Recording a failure.
    FailRefusals = [BODY, AUTH, KEYED, &[Code::OrderNotFound]];
    /// Reading a payment.
    GetRefusals = [INPUT, AUTH, &[Code::PaymentNotFound]];
    /// Listing payments.
    ListRefusals = [INPUT, AUTH];
}

impl From<ConfirmError> for ApiError {
    fn from(error: ConfirmError) -> Self {
        match error {
            ConfirmError::OrderNotFound => Code::OrderNotFound.into(),
            ConfirmError::OrderExpired => Code::OrderExpired.into(),
            ConfirmError::AmountMismatch => Code::AmountMismatch.into(),
            ConfirmError::PaymentKeyConflict => Code::PaymentKeyConflict.into(),
            ConfirmError::Rejected(failure) => Self::with_pg(Code::PaymentRejected, Some(failure)),
            ConfirmError::Misconfigured => Code::PgUnavailable.into(),
            ConfirmError::Unavailable(refused) => Self::retry_after(Code::PgUnavailable, refused.retry_after),
            ConfirmError::Claim(error) => error.into(),
            ConfirmError::Database(error) => error.into(),
        }
    }
}

impl From<FailError> for ApiError {
    fn from(error: FailError) -> Self {
        match error {
            FailError::OrderNotFound => Code::OrderNotFound.into(),
            FailError::Claim(error) => error.into(),
            FailError::Database(error) => error.into(),
        }
    }
}

/// Payments.
#[derive(Clone, Copy, Debug, Default)]
pub struct PaymentsApi;

#[OpenApi(prefix_path = "/v1", tag = "Tag::Payments")]
impl PaymentsApi {
    /// Confirm a payment
    ///
    /// Charges the order that the payment window has authenticated: once, however often and however concurrently it is
    /// asked for. Unknown, foreign, expired or otherwise priced orders are refused before Toss is called. Any role; a
    /// user only its own orders.
    #[oai(path = "/payments/confirm", method = "post", operation_id = "confirmPayment")]
    async fn confirm(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// 1 to 255 printable ASCII characters that the caller makes up for this one request. For a day, the same request
        /// with the same key is done once; a repeat gets the first answer again, with `Idempotency-Replayed: true`.
        #[oai(name = "Idempotency-Key")]
        key: Keyed,
        body: Json<ConfirmPayment>,
    ) -> Answer<ConfirmAnswer, ConfirmRefusals> {
        let (payment_key, order_id, amount, _ignored) = (
            fields::id("paymentKey", &body.0.payment_key),
            fields::id("orderId", &body.0.order_id),
            fields::won("amount", body.0.amount, 0),
            body.0.payment_type.as_deref().map(|kind| fields::text("paymentType", kind, 0, 50)).transpose(),
        )
            .together()?;
        let now = app.clock.now();
        let confirmed = match key.made()? {
            Some(order_id) => standing(&app, order_id, now).await?,
            None => {
                let (owner, claim) = (caller.owner(), key.claim());
                confirm(&app, Confirm { owner, payment_key, order_id, amount, claim }, now).await?
            }
        };
        Ok(match confirmed {
            Confirmed::Recorded(receipt) => ConfirmAnswer::Recorded(Json(ConfirmationView::of(receipt))),
            Confirmed::Pending(receipt) => {
                ConfirmAnswer::Pending(Json(ConfirmationView::of(receipt)), "2".to_owned())
            }
        })
    }

    /// Record a failure
    ///
    /// What the fail URL brought. It can never undo a payment that Toss holds as approved. Any role; a user only its
    /// own orders.
    #[oai(path = "/payments/fail", method = "post", operation_id = "failPayment")]
    async fn fail(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// 1 to 255 printable ASCII characters that the caller makes up for this one request. For a day, the same request
        /// with the same key is done once; a repeat gets the first answer again, with `Idempotency-Replayed: true`.
        #[oai(name = "Idempotency-Key")]
        key: Keyed,
        body: Json<FailPayment>,
    ) -> Answer<Json<PaymentView>, FailRefusals> {
        let (order_id, code, message) = (
            fields::id("orderId", &body.0.order_id),
            fields::text("code", &body.0.code, 1, 100),
            fields::text("message", &body.0.message, 0, 510),
        )
            .together()?;
        let payment = match key.made()? {
            Some(order_id) => find(app.db.read(), &order_id, None).await?.ok_or(Code::OrderNotFound)?,
            None => {
                let (owner, claim) = (caller.owner(), key.claim());
                let command = Fail { owner, order_id, failure: Failure { code, message }, claim };
                fail(&app, &command, app.clock.now()).await?
            }
        };
        Ok(Json(payment.into()))
    }

    /// Read a payment
    ///
    /// Any role; a user only its own.
    #[oai(path = "/payments/:orderId", method = "get", operation_id = "getPayment")]
    async fn get(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// The order.
        #[oai(name = "orderId")]
        order_id: Path<String>,
    ) -> Answer<Json<PaymentView>, GetRefusals> {
        let order_id = fields::id("orderId", &order_id.0)?;
        let found = find(app.db.read(), &order_id, caller.owner().as_ref()).await?;
        Ok(Json(found.ok_or(Code::PaymentNotFound)?.into()))
    }

    /// List payments
    ///
    /// Newest first. A user sees its own, a service those of the user that it names, an admin all.
    #[oai(path = "/payments", method = "get", operation_id = "listPayments")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a query parameter of its own in the documentation"
    )]
    async fn list(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// Only those of this user.
        #[oai(name = "userId")]
        user_id: Query<Option<String>>,
        /// Only those for this plan.
        #[oai(name = "planId")]
        plan_id: Query<Option<String>>,
        /// Only those that stand like this.
        status: Query<Option<Standing>>,
        /// Only those made at or after this instant (RFC 3339).
        from: Query<Option<String>>,
        /// Only those made before this instant (RFC 3339).
        to: Query<Option<String>>,
        /// Rows on the page, 1 to 100; 20 unless said otherwise.
        limit: Query<Option<u32>>,
        /// `nextCursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Json<PaymentPage>, ListRefusals> {
        let (user_id, plan_id, from, to, page) = (
            fields::maybe_id("userId", user_id.0.as_deref()),
            fields::maybe_row_id("planId", plan_id.0.as_deref()),
            fields::maybe_instant("from", from.0.as_deref()),
            fields::maybe_instant("to", to.0.as_deref()),
            PageRequest::parse("payments", limit.0, cursor.0.as_deref()),
        )
            .together()?;
        let user_id = caller.listing(user_id, false)?;
        let filter = PaymentFilter { user_id, plan_id, status: status.0.map(Into::into), from, to };
        Ok(Json(list(app.db.read(), filter, &page).await?.into()))
    }
}

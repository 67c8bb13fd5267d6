//! What operators are shown and what they may ask for, over HTTP.

use poem::Request;
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};

use super::{Item, Part, list};
use crate::app::App;
use crate::auth::Caller;
use crate::http::Tag;
use crate::http::body::Json;
use crate::http::code::{AUTH, Code, INPUT, KEYED};
use crate::http::error::{Answer, ApiError, refusals};
use crate::http::fields;
use crate::http::idempotency::Keyed;
use crate::http::language::Language;
use crate::http::nullable::Nullable;
use crate::http::page::PageRequest;
use crate::http::time::Instant;
use crate::payments::{PaymentView, SettleNowError, settle_now};

/// Something that needs a person.
#[derive(Clone, Debug, Object)]
#[oai(rename = "AttentionItem", rename_all = "camelCase")]
pub struct ItemView {
    /// What kind of thing; it never changes.
    pub kind: String,
    /// Since when.
    pub since: Instant,
    /// The order that it is about.
    pub order_id: Nullable<String>,
    /// The payment at Toss that it is about.
    pub payment_key: Nullable<String>,
    /// The refund that it is about.
    pub refund_id: Nullable<String>,
    /// What is wrong, in Korean or English by `Accept-Language`.
    pub detail: String,
    /// What to do about it, likewise.
    pub what_to_do: String,
    /// What our books say.
    pub ours: Nullable<String>,
    /// What Toss says.
    pub theirs: Nullable<String>,
}

impl ItemView {
    fn of(item: Item, language: Language) -> Self {
        Self {
            since: item.since.into(),
            detail: item.detail(language),
            what_to_do: item.what_to_do(language),
            kind: item.name,
            order_id: item.order_id.into(),
            payment_key: item.payment_key.into(),
            refund_id: item.refund_id.into(),
            ours: item.ours.into(),
            theirs: item.theirs.into(),
        }
    }
}

/// One page of what needs a person, the most urgent kind first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct AttentionPage {
    /// What needs a person.
    pub items: Vec<ItemView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Nullable<String>,
}

refusals! {
    /// Listing what needs a person.
    ListRefusals = [INPUT, AUTH];
    /// Settling a payment.
    SettleRefusals = [INPUT, AUTH, KEYED, &[Code::PaymentNotFound, Code::RequestInProgress, Code::PgUnavailable]];
}

impl From<SettleNowError> for ApiError {
    fn from(error: SettleNowError) -> Self {
        match error {
            SettleNowError::PaymentNotFound => Code::PaymentNotFound.into(),
            SettleNowError::Running => Code::RequestInProgress.into(),
            SettleNowError::Untold { retry_after } => Self::retry_after(Code::PgUnavailable, retry_after),
            SettleNowError::Database(error) => error.into(),
        }
    }
}

/// What needs a person.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttentionApi;

#[OpenApi(prefix_path = "/v1/admin", tag = "Tag::Admin")]
impl AttentionApi {
    /// List what needs a person
    ///
    /// With why and what to do; what is over is gone from it. The most urgent kind comes first, in this order:
    /// `JOB_FAILED` and `JOB_OVERDUE`; findings (`MISCONFIGURED`, `INVARIANT_BROKEN`, `MISSING_HERE`, `MISSING_AT_TOSS`,
    /// `AMOUNT_DIFFERS`, `STATE_DIFFERS`, `UNAPPLICABLE`); `COMPENSATION_FAILED`; what is open for more than an hour:
    /// `PAYMENT_UNKNOWN`, `REFUND_PENDING`, `COMPENSATION_PENDING`, `WEBHOOK_PENDING`; and for seven days
    /// `COMPENSATION_DONE`, of which the buyer should be told. Newest first within a kind. Role `admin`.
    #[oai(path = "/attention", method = "get", operation_id = "listAttention")]
    async fn list(
        &self,
        caller: Caller,
        request: &Request,
        app: Data<&App>,
        /// Rows on the page, 1 to 100; 20 unless said otherwise.
        limit: Query<Option<u32>>,
        /// `nextCursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Json<AttentionPage>, ListRefusals> {
        caller.admin()?;
        let begin = PageRequest::parse_parts(&Part::ALL.map(Part::name), limit.0, cursor.0.as_deref())?;
        let language = Language::of(request);
        let page = list(&app, begin, app.clock.now()).await?.map(|item| ItemView::of(item, language));
        Ok(Json(AttentionPage { items: page.items, next_cursor: page.next_cursor.into() }))
    }

    /// Ask Toss about a payment now
    ///
    /// Whatever its state: an unknown outcome is found out as the job would, with the order's open refunds and cancels
    /// of what could not be honoured, those that Toss has refused included; anything else is read again. Nothing is
    /// charged that was not confirmed. Gives the payment as it stands then. 409 while somebody else asks about it, 503
    /// when Toss did not tell. Role `admin`.
    #[oai(path = "/payments/:orderId/settle", method = "post", operation_id = "settlePayment")]
    async fn settle(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// Made up by the caller for this request: sent again with it, the request is done once.
        #[oai(name = "Idempotency-Key")]
        _key: Keyed,
        /// The order.
        #[oai(name = "orderId")]
        order_id: Path<String>,
    ) -> Answer<Json<PaymentView>, SettleRefusals> {
        caller.admin()?;
        let order_id = fields::id("orderId", &order_id.0)?;
        Ok(Json(settle_now(&app, &order_id, &caller.actor()).await?.into()))
    }
}

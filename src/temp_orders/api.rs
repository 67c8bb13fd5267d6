//! Temp orders over HTTP.

use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Deserialize;
use url::Url;

use super::{CreateError, Quoted};
use crate::app::App;
use crate::auth::Caller;
use crate::checkout::{self, ReturnUrls};
use crate::http::Tag;
use crate::http::body::Json;
use crate::http::code::{AUTH, BODY, Code, INPUT, KEYED};
use crate::http::error::{Answer, ApiError, refusals};
use crate::http::fields::{self, Fault, FieldError, Together};
use crate::http::idempotency::Keyed;
use crate::http::time::Instant;

/// A quote that the payment window is opened with.
#[derive(Clone, Debug, Object)]
#[oai(rename = "TempOrder", rename_all = "camelCase")]
pub struct TempOrderView {
    /// Identifies the purchase, here and at Toss.
    pub order_id: String,
    /// Who buys.
    pub user_id: String,
    /// What is bought.
    pub plan_id: String,
    /// What the payment window shows.
    pub order_name: String,
    /// The price, in won. It holds until `expiresAt`, whatever becomes of the plan's price.
    pub total_amount: i64,
    /// `KRW`.
    pub currency: String,
    /// The user's random name at Toss.
    pub customer_key: String,
    /// When it was quoted.
    pub created_at: Instant,
    /// From this instant on it can no longer be paid.
    pub expires_at: Instant,
    /// The hosted checkout's page of this order, for its buyer: pay there, and find the receipt there. Whoever has the
    /// link can see the order; it closes by itself.
    pub checkout_url: String,
}

impl TempOrderView {
    /// How `quoted` looks to callers.
    fn of(app: &App, quoted: Quoted) -> Self {
        let checkout_url = checkout::page_url(app, &quoted.order);
        let order = quoted.order;
        Self {
            order_id: order.order_id.to_string(),
            user_id: order.user_id.to_string(),
            plan_id: order.plan_id.to_string(),
            order_name: order.order_name,
            total_amount: order.total_amount.get(),
            currency: "KRW".to_owned(),
            customer_key: quoted.customer_key.to_string(),
            created_at: order.created_at.into(),
            expires_at: order.expires_at.into(),
            checkout_url,
        }
    }
}

/// What is to be quoted.
#[derive(Debug, Object, Deserialize)]
#[oai(rename_all = "camelCase", example, skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateTempOrder {
    /// The plan's `id`.
    plan_id: String,
    /// Who buys, 1 to 64 characters of `A-Z a-z 0-9 - _ . = @`. A user may leave it out; a service names it.
    #[oai(validator(min_length = 1, max_length = 64))]
    user_id: Option<String>,
    /// Where the hosted checkout sends the buyer once the order is paid, with `orderId` added. Its origin must be one of
    /// `checkout.return_origins`. Without it, the buyer sees the receipt.
    #[oai(validator(max_length = 2000))]
    success_url: Option<String>,
    /// Where the hosted checkout lets a buyer go who gives up, with `orderId`, `code` and `message` added.
    #[oai(validator(max_length = 2000))]
    fail_url: Option<String>,
}

impl Example for CreateTempOrder {
    fn example() -> Self {
        CreateTempOrder {
            plan_id: "01a1fe1d-0582-7215-8b7c-9b6826e01933".to_owned(),
            user_id: Some("alice".to_owned()),
            success_url: None,
            fail_url: None,
        }
    }
}

/// An order was quoted.
#[derive(Debug, ApiResponse)]
enum Created {
    /// The quote.
    #[oai(status = 201)]
    Order(Json<TempOrderView>),
}

refusals! {
    /// Quoting an order.
    CreateRefusals = [BODY, AUTH, KEYED, &[Code::PlanNotFound, Code::PlanInactive, Code::OrderExpired]];
    /// Reading a quote.
    GetRefusals = [INPUT, AUTH, &[Code::OrderNotFound]];
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::PlanNotFound => Code::PlanNotFound.into(),
            CreateError::PlanInactive => Code::PlanInactive.into(),
            CreateError::Claim(error) => error.into(),
            CreateError::Database(error) => error.into(),
        }
    }
}

/// A URL that a buyer may be sent back to.
fn return_url(app: &App, field: &'static str, text: Option<&str>) -> Result<Option<Url>, FieldError> {
    let Some(text) = text else { return Ok(None) };
    let url = Url::parse(text).ok().filter(|url| app.config.checkout.return_origins.allow(url));
    url.filter(|url| url.as_str().len() <= LONGEST_URL)
        .map(Some)
        .ok_or_else(|| FieldError::new(field, Fault::ReturnUrl))
}

/// The longest URL that is kept, in bytes.
const LONGEST_URL: usize = 2_000;

/// Temp orders.
#[derive(Clone, Copy, Debug, Default)]
pub struct TempOrdersApi;

#[OpenApi(prefix_path = "/v1", tag = "Tag::TempOrders")]
impl TempOrdersApi {
    /// Quote an order
    ///
    /// Written before the payment window opens, so that no amount is ever taken from a client. Any role; a user only
    /// for itself.
    #[oai(path = "/temp-orders", method = "post", operation_id = "createTempOrder")]
    async fn create(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// 1 to 255 printable ASCII characters that the caller makes up for this one request. For a day, the same request
        /// with the same key is done once; a repeat gets the first answer again, with `Idempotency-Replayed: true`.
        #[oai(name = "Idempotency-Key")]
        key: Keyed,
        body: Json<CreateTempOrder>,
    ) -> Answer<Created, CreateRefusals> {
        let made = key.made()?;
        // A repeat is not judged by settings that have changed since.
        let (success_url, fail_url) = match &made {
            Some(_) => (None, None),
            None => (body.0.success_url.as_deref(), body.0.fail_url.as_deref()),
        };
        let (plan_id, named, success, fail) = (
            fields::row_id("planId", &body.0.plan_id),
            fields::maybe_id("userId", body.0.user_id.as_deref()),
            return_url(&app, "successUrl", success_url),
            return_url(&app, "failUrl", fail_url),
        )
            .together()?;
        let user_id = caller.acting_for(named)?;
        let quoted = match made {
            // An order of which nobody has heard cannot have been paid: it is gone because its time was over.
            Some(order_id) => super::find(app.db.read(), &order_id, None).await?.ok_or(Code::OrderExpired)?,
            None => {
                let returns = ReturnUrls { success, fail };
                super::create(&app, &user_id, plan_id, &returns, key.claim().as_ref(), app.clock.now())
                    .await?
            }
        };
        Ok(Created::Order(Json(TempOrderView::of(&app, quoted))))
    }

    /// Read a quote
    ///
    /// Until it is paid or purged. Any role; a user only its own.
    #[oai(path = "/temp-orders/:orderId", method = "get", operation_id = "getTempOrder")]
    async fn get(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// The order's `orderId`.
        #[oai(name = "orderId")]
        order_id: Path<String>,
    ) -> Answer<Json<TempOrderView>, GetRefusals> {
        let order_id = fields::id("orderId", &order_id.0)?;
        let found = super::find(app.db.read(), &order_id, caller.owner().as_ref()).await?;
        Ok(Json(TempOrderView::of(&app, found.ok_or(Code::OrderNotFound)?)))
    }
}

//! `/checkout/success`: where Toss sends a buyer who has authenticated. It charges, once, and sends the browser to the
//! order's page: what the address bar then shows can be reloaded as often as one likes.

use std::time::Duration;

use entity::{PaymentKey, Won};
use poem::web::{Data, Query};
use poem::{Request, Response, handler};
use serde::Deserialize;

use super::link::Token;
use super::returns::return_urls;
use super::standing::Standing;
use crate::app::App;
use crate::http::error::ApiError;
use crate::http::fields::{Fault, FieldError, id};
use crate::http::language::Language;
use crate::pages::see_other;
use crate::payments::{Confirm, ConfirmError, confirm_within};

/// How long the browser waits before it is shown that the confirmation takes its time.
const SHOWS_WITHIN: Duration = Duration::from_millis(1_500);

/// What Toss adds to the success URL. All of it comes through the browser, so that none of it is believed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Success {
    #[serde(default)]
    token: String,
    payment_key: String,
    order_id: String,
    amount: i64,
}

/// Confirms, and sends on to where the truth is shown.
#[handler]
pub(super) async fn success(
    app: Data<&App>,
    request: &Request,
    Query(said): Query<Success>,
) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let token = Token::read(&app, &said.order_id, &said.token, now)?;
    let payment_key: PaymentKey = id("paymentKey", &said.payment_key)?;
    let amount =
        Won::new(said.amount).ok_or(FieldError::new("amount", Fault::Range { min: 0, max: i64::MAX }))?;
    let order_id = token.order_id().clone();
    let command = Confirm { owner: None, payment_key, order_id, amount, claim: None };
    match confirm_within(&app, command, now, SHOWS_WITHIN).await {
        Ok(_)
        | Err(
            ConfirmError::Rejected(_)
            | ConfirmError::OrderExpired
            | ConfirmError::OrderNotFound
            | ConfirmError::PaymentKeyConflict,
        ) => Ok(see_other(&app, &place(&app, &token, Language::asked(request)).await?)),
        Err(
            error @ (ConfirmError::AmountMismatch
            | ConfirmError::Misconfigured
            | ConfirmError::Unavailable(_)
            | ConfirmError::Claim(_)
            | ConfirmError::Database(_)),
        ) => Err(error.into()),
    }
}

/// The order's page, or the shop's own once it is paid.
async fn place(app: &App, token: &Token, language: Option<Language>) -> Result<String, ApiError> {
    let order_id = token.order_id();
    if Standing::of(app, order_id, app.clock.now()).await?.is_done()
        && let Some(shop) = return_urls(app, order_id).await?.after_success(order_id)
    {
        return Ok(shop);
    }
    Ok(token.page(language))
}

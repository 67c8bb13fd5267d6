//! Webhooks over HTTP.

use std::net::IpAddr;

use poem::Request;
use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi};

use super::{Arrived, ReceiveError, receive};
use crate::app::App;
use crate::http::Tag;
use crate::http::body::AnyJson;
use crate::http::code::{BODY, Code};
use crate::http::error::{Answer, ApiError, refusals};
use crate::http::fields::{Fault, FieldError};
use crate::http::origin::origin;

/// How a webhook was answered.
#[derive(ApiResponse)]
enum WebhookAnswer {
    /// It is stored, or was already.
    #[oai(status = 200)]
    Stored,
}

refusals! {
    /// Receiving a webhook.
    WebhookRefusals = [BODY, &[Code::Forbidden, Code::RateLimited]];
}

impl From<ReceiveError> for ApiError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::NotJson => FieldError::new("body", Fault::NotJson).into(),
            ReceiveError::TooMany(seconds) => Self::retry_after(Code::RateLimited, seconds),
            ReceiveError::Database(error) => error.into(),
        }
    }
}

/// Webhooks.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebhooksApi;

#[OpenApi(prefix_path = "/v1", tag = "Tag::Webhooks")]
impl WebhooksApi {
    /// Receive a webhook of Toss's
    ///
    /// Register this address in Toss's developer centre, for `PAYMENT_STATUS_CHANGED` and `DEPOSIT_CALLBACK`. It is
    /// answered as soon as it is stored. What it says is never believed: the payment is read again from Toss.
    #[oai(path = "/webhooks/toss", method = "post", operation_id = "receiveTossWebhook")]
    async fn toss(
        &self,
        request: &Request,
        app: Data<&App>,
        body: AnyJson,
    ) -> Answer<WebhookAnswer, WebhookRefusals> {
        let listed = &app.config.toss.webhook_addresses;
        let from: Option<IpAddr> = origin(request, &app.config.server.trusted_proxies);
        if !listed.is_empty() && from.is_none_or(|from| !listed.contains(from)) {
            app.metrics.webhooks.count("refused");
            tracing::warn!(?from, "a webhook from an address that is not on the list");
            return Err(Code::Forbidden)?;
        }
        let transmission_id = request.header("tosspayments-webhook-transmission-id").map(str::to_owned);
        receive(&app, Arrived { transmission_id, body: body.0 }, app.clock.now()).await?;
        Ok(WebhookAnswer::Stored)
    }
}

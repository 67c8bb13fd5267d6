//! Answers that are kept: which ones, what of them, and how they are given again.

use poem::Response;
use poem::http::{HeaderName, HeaderValue, StatusCode};

use super::REPLAYED;
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::idempotency::Kept;

/// The headers that belong to an answer rather than to the way that it was sent.
const KEPT_HEADERS: [&str; 4] = ["content-type", "cache-control", "location", "retry-after"];

/// Whether a success is the last word: 202 says that the outcome is not known yet.
pub(super) fn is_final_success(status: StatusCode) -> bool {
    status.is_success() && status != StatusCode::ACCEPTED
}

/// Whether a refusal is the operation's own word on the request. Any other lets the caller mend the request, or send it
/// again later, under the same key.
pub(super) fn is_final(code: Code) -> bool {
    match code {
        Code::AmountMismatch
        | Code::PaymentRejected
        | Code::PlanNotFound
        | Code::OrderNotFound
        | Code::PaymentNotFound
        | Code::SubscriptionNotFound
        | Code::JobNotFound
        | Code::RefundWindowClosed
        | Code::AlreadyRefunded
        | Code::RefundExceedsBalance
        | Code::PaymentNotRefundable
        | Code::PlanInactive
        | Code::PaymentKeyConflict
        | Code::OrderExpired => true,
        Code::InvalidRequest
        | Code::Unauthenticated
        | Code::Forbidden
        | Code::NotFound
        | Code::MethodNotAllowed
        | Code::NotAcceptable
        | Code::RequestInProgress
        | Code::JobRunning
        | Code::PayloadTooLarge
        | Code::UnsupportedMediaType
        | Code::IdempotencyKeyReused
        | Code::RateLimited
        | Code::Internal
        | Code::DatabaseUnavailable
        | Code::Overloaded
        | Code::PgUnavailable => false,
    }
}

/// Takes an answer apart.
///
/// # Errors
/// When its body is no text, which no answer of the API's is.
pub(super) async fn read(response: Response) -> poem::Result<Kept> {
    let status = response.status().as_u16();
    let texts = KEPT_HEADERS.iter().filter_map(|name| {
        let value = response.headers().get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    let headers = texts.collect();
    let body = response.into_body().into_string().await.map_err(|error| {
        tracing::error!(%error, "an answer that cannot be kept");
        ApiError::from(Code::Internal)
    })?;
    Ok(Kept { status, headers, body })
}

/// An answer as it was given first.
pub(super) fn repeat(kept: Kept) -> Response {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let builder = Response::builder().status(status);
    let headers = kept.headers.iter();
    headers.fold(builder, |builder, (name, value)| builder.header(name, value)).body(kept.body)
}

/// The same answer, marked as not being the first one.
pub(super) fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(HeaderName::from_static(REPLAYED), HeaderValue::from_static("true"));
    response
}

//! An answer of the API, and the ways in which a fault can spoil it.

use poem::{Response, http::HeaderValue, http::StatusCode};
use serde_json::Value;

use crate::{refusal::Refusal, webhooks::Caused};

const JSON: &str = "application/json;charset=UTF-8";

/// Status, body and the headers that Toss adds.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    content_type: &'static str,
    /// The idempotency key, sent back.
    pub(crate) echo: Option<HeaderValue>,
    trace: String,
    retry_after: Option<u32>,
    /// The webhooks that have to do with this answer.
    pub(crate) caused: Caused,
}

impl Answer {
    /// An answer with these bytes of JSON.
    pub(crate) fn json(status: u16, body: Vec<u8>) -> Self {
        let (echo, trace, retry_after, caused) = (None, String::new(), None, Caused::default());
        Self { status, body, content_type: JSON, echo, trace, retry_after, caused }
    }

    /// A success.
    pub(crate) fn ok(value: &Value) -> Self {
        Self::json(200, value.to_string().into_bytes())
    }

    /// An error.
    pub(crate) fn refusal(refusal: &Refusal, english: bool) -> Self {
        Self::json(refusal.status(), refusal.body(english).to_string().into_bytes())
    }

    /// The first answer of a key, with the trace id it had then.
    pub(crate) fn repeated(status: u16, body: &[u8], trace: &str) -> Self {
        Self { trace: trace.to_owned(), ..Self::json(status, body.to_vec()) }
    }

    /// 429. Only the text is documented, not a body with a code, and nothing about `Retry-After`.
    pub(crate) fn rate_limited(retry_after: u32) -> Self {
        let plain = Self::json(429, b"Too Many Requests".to_vec());
        Self { content_type: "text/plain", retry_after: Some(retry_after), ..plain }
    }

    /// A proxy on the way answers instead.
    pub(crate) fn become_html(&mut self, status: Option<u16>) {
        self.status = status.unwrap_or(502);
        self.content_type = "text/html";
        self.body =
            b"<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>".to_vec();
    }

    /// The body ends in the middle, and its length agrees with that.
    pub(crate) fn truncate(&mut self) {
        self.body.truncate(self.body.len() / 2);
    }

    /// Names the call; a repeated answer shows "new, original".
    pub(crate) fn traced(&mut self, trace: &str) {
        self.trace =
            if self.trace.is_empty() { trace.to_owned() } else { format!("{trace}, {}", self.trace) };
    }

    /// The HTTP response.
    pub(crate) fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::builder().status(status).content_type(self.content_type);
        if !self.trace.is_empty() {
            response = response.header("x-tosspayments-trace-id", self.trace);
        }
        if let Some(seconds) = self.retry_after {
            response = response.header("retry-after", seconds.to_string());
        }
        if let Some(key) = self.echo {
            response = response.header("idempotency-key", key);
        }
        response.body(self.body)
    }
}

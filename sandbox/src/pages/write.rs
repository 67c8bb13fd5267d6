//! How a page is answered: rendered with everything escaped, and under headers that let nothing else run in it.

use askama::Template;
use chrono::{DateTime, Utc};
use poem::{Response, http::StatusCode};

use super::Language;
use crate::{clock, refusal::Refusal};

/// Who may show a page inside their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frames {
    /// Any shop: that is what the widgets and the window are for.
    Anyone,
    /// Nobody.
    Nobody,
}

/// What happened instead of what was asked for.
#[derive(Template)]
#[template(path = "pages/refused.html")]
struct Refused<'a> {
    lang: Language,
    refusal: &'a Refusal,
    /// Where the shop's page lives, which is told too when the page stands in a frame.
    origin: &'a str,
}

impl Refused<'_> {
    fn message(&self) -> &str {
        self.refusal.message(self.lang == Language::English)
    }
}

/// Answers with a page.
pub(super) fn page(template: &impl Template, frames: Frames) -> Response {
    with_status(StatusCode::OK, template, frames)
}

/// Answers with the reason why there is no page.
pub(super) fn refused(lang: Language, refusal: &Refusal, frames: Frames, origin: &str) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    with_status(status, &Refused { lang, refusal, origin }, frames)
}

/// Sends the browser on after a form.
pub(super) fn see_other(path: &str) -> Response {
    Response::builder().status(StatusCode::SEE_OTHER).header("location", path).finish()
}

fn with_status(status: StatusCode, template: &impl Template, frames: Frames) -> Response {
    // A template that cannot be rendered is a mistake in it; an empty page says that as well as any other.
    let (status, html) = match template.render() {
        Ok(html) => (status, html),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
    };
    let ancestors = match frames {
        Frames::Anyone => "*",
        Frames::Nobody => "'none'",
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    );
    Response::builder()
        .status(status)
        .content_type("text/html; charset=utf-8")
        .header("content-security-policy", policy)
        .header("x-content-type-options", "nosniff")
        .header("referrer-policy", "no-referrer")
        .header("cache-control", "no-store")
        .header("vary", "Accept, Accept-Language")
        .body(html)
}

/// A time for people: Korean time to the minute.
pub(super) fn time(at: DateTime<Utc>) -> String {
    clock::korean_naive(at).format("%Y-%m-%d %H:%M").to_string()
}

//! The headers that keep a page to itself: what it may load, who may frame it, and what may be kept of it.

use poem::Response;
use poem::http::{HeaderName, HeaderValue, header};

use crate::app::App;

/// What a page may load beyond our own files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Nothing.
    Own,
    /// Toss's script and its frames.
    Toss,
}

/// Adds the headers of a page under `policy`.
pub(super) fn secure(app: &App, policy: Policy, response: &mut Response) {
    let fixed: [(HeaderName, &str); 6] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // The links of order pages are secrets: nobody is told more than our origin, and no log of ours either.
        (header::REFERRER_POLICY, "strict-origin"),
        (header::CACHE_CONTROL, "no-store"),
        // Toss opens windows of card companies, which report back to the page that opened them.
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin-allow-popups"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    let headers = response.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Settings were checked to hold nothing that could end a header.
    if let Ok(value) = HeaderValue::from_str(&content_security(app, policy)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
    }
    if app.public_url().starts_with("https://") {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}

fn content_security(app: &App, policy: Policy) -> String {
    let (scripts, styles, toss) = match policy {
        Policy::Own => (String::new(), "", String::new()),
        Policy::Toss => {
            let sdk = app.config.toss.sdk_url.origin().ascii_serialization();
            let inline = if app.config.checkout.allow_inline_styles { " 'unsafe-inline'" } else { "" };
            (format!(" {sdk}"), inline, format!(" {sdk} {}", app.config.checkout.toss_sources))
        }
    };
    let frames = if toss.is_empty() { " 'none'" } else { &toss };
    [
        "default-src 'none'".to_owned(),
        format!("script-src 'self'{scripts}{}", toss.strip_prefix(&scripts).unwrap_or_default()),
        format!("style-src 'self'{styles}"),
        format!("img-src 'self' data:{toss}"),
        "font-src 'self'".to_owned(),
        format!("connect-src 'self'{toss}"),
        format!("frame-src{frames}"),
        format!("form-action 'self'{toss}"),
        "base-uri 'none'".to_owned(),
        "frame-ancestors 'none'".to_owned(),
    ]
    .join("; ")
}

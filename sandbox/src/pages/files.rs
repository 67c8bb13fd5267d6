//! The files that pages load: styles, scripts and the icon, and the script that shops load instead of Toss's.

use poem::Response;

const JAVASCRIPT: &str = "application/javascript; charset=utf-8";

/// What shops load from `/v2/standard`.
pub(super) fn script() -> Response {
    file(JAVASCRIPT, include_str!("../../assets/standard.js"))
}

/// A file of the pages by its name, if there is one.
pub(super) fn of(name: &str) -> Option<Response> {
    Some(match name {
        "sandbox.css" => file("text/css; charset=utf-8", include_str!("../../assets/sandbox.css")),
        "widget.js" => file(JAVASCRIPT, include_str!("../../assets/widget.js")),
        "window.js" => file(JAVASCRIPT, include_str!("../../assets/window.js")),
        "refused.js" => file(JAVASCRIPT, include_str!("../../assets/refused.js")),
        "icon.svg" => file("image/svg+xml", include_str!("../../assets/icon.svg")),
        _ => return None,
    })
}

fn file(content_type: &str, text: &'static str) -> Response {
    Response::builder()
        .content_type(content_type)
        .header("x-content-type-options", "nosniff")
        // A shop lives on another origin, and may have asked browsers to keep others' files out.
        .header("cross-origin-resource-policy", "cross-origin")
        .header("cache-control", "no-cache")
        .body(text)
}

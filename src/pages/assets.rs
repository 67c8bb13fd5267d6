//! Scripts and style sheets, which are part of the binary. A link names the content, so browsers may keep it for ever.

use poem::http::{HeaderValue, header};
use poem::web::{Path, Query};
use poem::{IntoResponse, Response, handler};
use rust_embed::RustEmbed;
use serde::Deserialize;

use crate::http::code::Code;
use crate::http::error::ApiError;

/// The files.
#[derive(RustEmbed)]
#[folder = "src/pages/assets"]
struct Files;

/// The link to the file `name`.
pub(crate) fn link(name: &str) -> String {
    match Files::get(name) {
        Some(file) => format!("/assets/{name}?v={}", version(&file)),
        None => {
            tracing::error!(name, "there is no such asset");
            format!("/assets/{name}")
        }
    }
}

/// The first 16 hexadecimal digits of the content's hash.
fn version(file: &rust_embed::EmbeddedFile) -> String {
    file.metadata.sha256_hash().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Which content a link means.
#[derive(Debug, Deserialize)]
struct Wanted {
    v: Option<String>,
}

/// What browsers ask for where a page names no icon.
#[handler]
pub(crate) fn icon() -> poem::Result<Response> {
    let file = Files::get("icon.svg").ok_or_else(|| ApiError::from(Code::NotFound))?;
    let response = Response::builder().content_type("image/svg+xml").body(file.data.into_owned());
    Ok(response.with_header(header::CACHE_CONTROL, "max-age=86400").into_response())
}

/// One of the files.
#[handler]
pub(crate) fn asset(Path(name): Path<String>, Query(wanted): Query<Wanted>) -> poem::Result<Response> {
    let file = Files::get(&name).ok_or_else(|| ApiError::from(Code::NotFound))?;
    // An old page asks a new binary for what it no longer has: it gets the new file, and nobody keeps it.
    let kept = wanted.v.is_some_and(|wanted| wanted == version(&file));
    let control = if kept { "public, max-age=31536000, immutable" } else { "no-cache" };
    let kind = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let mut response = Response::builder().content_type(kind).body(file.data.into_owned());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(control));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

//! What is shown where too many want at once what takes long. It does not try again by itself, which would keep it so.

use askama::Template;
use poem::Response;
use poem::http::{HeaderValue, StatusCode, header};

use super::desk::{Desk, Frame, Nav};

/// Asks for patience.
#[derive(Template)]
#[template(path = "admin/busy.html")]
struct BusyPage {
    shell: Frame,
}

/// The page for `nav`.
pub(super) async fn busy(desk: &Desk, nav: Nav) -> poem::Result<Response> {
    tracing::warn!(page = ?nav, "too many at once, or too slow");
    let shell = desk.frame(nav).await?;
    let mut response = desk.page_with(StatusCode::SERVICE_UNAVAILABLE, &BusyPage { shell });
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
    Ok(response)
}

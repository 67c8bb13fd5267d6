//! What Prometheus scrapes, for operators only: it tells how business goes.

use poem::web::Data;
use poem::{Request, Response, handler};

use crate::app::App;
use crate::auth;
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::metrics::{CONTENT_TYPE, scrape};

/// The metrics as text, to the role `admin`.
#[handler]
pub(super) async fn metrics(request: &Request, app: Data<&App>) -> poem::Result<Response> {
    auth::caller(&app, request).await?.admin()?;
    let text = scrape(&app).await.map_err(|error| {
        tracing::error!(%error, "metrics cannot be written");
        ApiError::from(Code::Internal)
    })?;
    Ok(Response::builder().content_type(CONTENT_TYPE).body(text))
}

//! Whether the process lives, and whether it can serve.

use poem::http::StatusCode;
use poem::web::{Data, Json};
use poem::{IntoResponse, Response, handler};
use serde_json::json;

use crate::app::App;
use crate::db::migrate;

/// The process answers.
#[handler]
pub(super) fn healthz() -> Json<serde_json::Value> {
    Json(json!({"status": "ok"}))
}

/// The database answers, its schema is the one that this version wants, and no stop is under way.
#[handler]
pub(super) async fn readyz(app: Data<&App>) -> Response {
    let database = match migrate::is_current(&app.db).await {
        Ok(true) => "ok",
        Ok(false) => "outdated",
        Err(error) => {
            tracing::warn!(%error, "not ready");
            "unavailable"
        }
    };
    let stopping = app.stopping.is_cancelled();
    let ready = database == "ok" && !stopping;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({"status": if ready { "ok" } else { "unavailable" }, "database": database, "stopping": stopping});
    Json(body).with_status(status).into_response()
}

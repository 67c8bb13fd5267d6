//! Whether the process lives, and whether it can serve.

use poem::handler;
use poem::web::{Data, Json};
use sea_orm::DbErr;
use serde_json::json;

use crate::app::App;
use crate::db::migrate;
use crate::http::code::Code;
use crate::http::error::ApiError;

/// The process answers.
#[handler]
pub(super) fn healthz() -> Json<serde_json::Value> {
    Json(json!({"status": "ok"}))
}

/// The database answers and takes writes, its schema is the one that this version wants, and no stop is under way.
#[handler]
pub(super) async fn readyz(app: Data<&App>) -> poem::Result<Json<serde_json::Value>> {
    let database = match database(&app).await {
        Ok(state) => state,
        Err(error) => {
            tracing::warn!(%error, "not ready");
            "unavailable"
        }
    };
    if database != "ok" || app.draining.is_cancelled() {
        return Err(ApiError::from(Code::DatabaseUnavailable).into());
    }
    Ok(Json(json!({"status": "ok", "database": database})))
}

/// How the database is, in a word.
async fn database(app: &App) -> Result<&'static str, DbErr> {
    if !migrate::is_current(&app.db).await? {
        return Ok("outdated");
    }
    Ok(if app.db.takes_writes().await? { "ok" } else { "read-only" })
}

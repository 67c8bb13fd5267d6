//! Works on one row on demand, and leaves one alone that somebody works on already.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};

use super::{Duty, LEASE, Outcome, run_one};
use crate::app::App;

/// How often is looked whether somebody works on the row.
const LOOKS_EVERY: Duration = Duration::from_millis(200);

/// Works on the row `id` now, however far ahead it is due. None when somebody else works on it.
///
/// A due time that is near may be a lease: it is waited for, and whoever lives renews it meanwhile.
///
/// # Errors
/// The database's own.
pub(crate) async fn run_now<D: Duty>(app: &App, id: &D::Id) -> Result<Option<Outcome>, DbErr> {
    let Some(due) = due_of::<D>(app, id).await? else { return Ok(Some(Outcome::Decided)) };
    loop {
        let now = app.clock.now();
        if now >= due || due > now + LEASE {
            break;
        }
        tokio::time::sleep(LOOKS_EVERY).await;
        match due_of::<D>(app, id).await? {
            None => return Ok(Some(Outcome::Decided)),
            Some(same) if same == due => {}
            Some(_renewed) => return Ok(None),
        }
    }
    run_one::<D>(app, id.clone(), due).await
}

/// When the row is due; none when nothing is left to do.
pub(super) async fn due_of<D: Duty>(app: &App, id: &D::Id) -> Result<Option<DateTime<Utc>>, DbErr> {
    let due = D::Table::find().select_only().column(D::due()).filter(D::id().eq(id.clone()));
    let due: Option<Option<DateTime<Utc>>> = due.into_tuple().one(app.db.read()).await?;
    Ok(due.flatten())
}

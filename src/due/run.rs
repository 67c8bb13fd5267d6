//! Works on everything that is due, a bounded number at once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::DbErr;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument;

use super::{Duty, Outcome, hold, take, take_one};
use crate::app::App;
use crate::db::{is_unavailable, was_given_up};

/// Rows that one run takes on at most.
const MOST: usize = 1_000;
/// Rows worked on at once.
const IN_FLIGHT: usize = 8;
/// How long one run lasts: what is still due then is for the next, and what still hangs on Toss goes on beside it.
const LASTS: Duration = Duration::from_secs(30);

/// Works on every row that is due. Returns how many were decided.
///
/// # Errors
/// The database's own; what was decided stays decided.
pub(crate) async fn run<D: Duty + 'static>(app: &App) -> Result<u64, DbErr> {
    let ends_at = Instant::now() + LASTS;
    // Tasks, because each may hold a connection that this loop waits for.
    let mut working = JoinSet::new();
    let (mut decided, mut taken, mut failed) = (0, 0, None);
    let mut more = true;
    loop {
        more = more
            && failed.is_none()
            && taken < MOST
            && Instant::now() < ends_at
            && !app.stopping.is_cancelled()
            && app.toss.is_listening();
        if more {
            // No more than can be worked on at once: a lease that nobody works under would only be waited for.
            let free = IN_FLIGHT - working.len();
            match take::<D>(app, free).await {
                Ok(rows) => {
                    (more, taken) = (rows.len() == free, taken + rows.len());
                    for (id, lease) in rows {
                        let worker = app.clone();
                        let work = async move { (D::loggable(&id), one::<D>(&worker, id, lease).await) };
                        working.spawn(app.tasks.track_future(work.in_current_span()));
                    }
                }
                // What is under way is still finished.
                Err(error) => failed = Some(error),
            }
        }
        let Ok(ended) = tokio::time::timeout_at(ends_at, working.join_next()).await else {
            // They keep their leases by themselves; the next run must not wait for a Toss that hangs.
            working.detach_all();
            return failed.map_or(Ok(decided), Err);
        };
        match ended {
            None if more => {}
            None => return failed.map_or(Ok(decided), Err),
            Some(Ok((_, Ok(outcome)))) => decided += u64::from(outcome == Outcome::Decided),
            Some(Ok((id, Err(error)))) if was_given_up(&error) => {
                tracing::warn!(id, %error, "others were preferred again and again; its lease brings it back");
            }
            Some(Ok((_, Err(error)))) if is_unavailable(&error) => failed = Some(error),
            // One that the database refuses, or that breaks, must not stop the others; its lease brings it back.
            Some(Ok((id, Err(error)))) => {
                tracing::error!(id, %error, "needs a person: an outcome cannot be recorded");
            }
            Some(Err(broken)) => tracing::error!(error = %broken, "needs a person: the work broke off"),
        }
    }
}

/// Works on the row `id` now, if its due time is still `due_at`: nobody else has it.
///
/// # Errors
/// The database's own.
pub(crate) async fn run_one<D: Duty>(
    app: &App,
    id: D::Id,
    due_at: DateTime<Utc>,
) -> Result<Option<Outcome>, DbErr> {
    match take_one::<D>(app, &id, due_at).await? {
        Some(lease) => one::<D>(app, id, lease).await.map(Some),
        None => Ok(None),
    }
}

async fn one<D: Duty>(app: &App, id: D::Id, lease: DateTime<Utc>) -> Result<Outcome, DbErr> {
    hold::<D, _>(app, id.clone(), lease, D::work(app, id)).await
}

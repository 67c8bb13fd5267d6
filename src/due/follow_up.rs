//! Asks about an outcome again seconds after it was lost, without waiting for the next tick of its job.

use sea_orm::DbErr;
use tracing::Instrument;

use super::now::due_of;
use super::{Duty, Outcome, run_one};
use crate::app::App;

/// How often one outcome is followed up; after that its job does it.
const TRIES: u32 = 4;

/// Follows the row `id` up in the background, where this process runs jobs at all. It is only haste: whatever ends it,
/// the row stays due and its job finds it.
pub(crate) fn follow_up<D: Duty + 'static>(app: &App, id: D::Id) {
    if !app.config.scheduler.enabled {
        return;
    }
    let Ok(permit) = app.follow_ups.clone().try_acquire_owned() else { return };
    let worker = app.clone();
    let work = async move {
        let _permit = permit;
        tokio::select! {
            () = worker.stopping.cancelled() => {}
            outcome = ask_again::<D>(&worker, &id) => {
                if let Err(error) = outcome {
                    tracing::debug!(id = D::loggable(&id), %error, "left to the job");
                }
            }
        }
    };
    tokio::spawn(work.in_current_span());
}

async fn ask_again<D: Duty>(app: &App, id: &D::Id) -> Result<(), DbErr> {
    for _ in 0..TRIES {
        let Some(due) = due_of::<D>(app, id).await? else { return Ok(()) };
        let wait = (due - app.clock.now()).to_std().unwrap_or_default();
        tokio::time::sleep(wait).await;
        if !app.toss.is_listening() {
            return Ok(());
        }
        if run_one::<D>(app, id.clone(), due).await? == Some(Outcome::Decided) {
            return Ok(());
        }
    }
    Ok(())
}

//! Ticks every second and starts what is due. The tick is only a heartbeat; what is due, and done, is in rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_cron_scheduler::{Job as Tick, JobScheduler, JobSchedulerError};

use super::{Job, run_due};
use crate::app::App;

/// Why there is no heartbeat.
pub type HeartbeatError = JobSchedulerError;

/// A scheduler that ticks until it is stopped.
pub struct Heartbeat(JobScheduler);

impl Heartbeat {
    /// Begins to tick.
    ///
    /// # Errors
    /// [`HeartbeatError`].
    pub async fn start(app: &App) -> Result<Self, HeartbeatError> {
        let scheduler = JobScheduler::new().await?;
        for job in Job::ALL {
            // A tick that comes while the job still runs here is let go.
            let (app, busy) = (app.clone(), Arc::new(AtomicBool::new(false)));
            let tick = Tick::new_async_tz("* * * * * *", app.config.billing.timezone, move |_, _| {
                let (app, busy) = (app.clone(), Arc::clone(&busy));
                Box::pin(async move {
                    if app.stopping.is_cancelled() || busy.swap(true, Ordering::AcqRel) {
                        return;
                    }
                    let worker = app.clone();
                    let work = async move {
                        if let Err(error) = run_due(&worker, job, worker.clock.now()).await {
                            tracing::warn!(job = job.name(), %error, "a tick did not work; the next one will try again");
                        }
                    };
                    // A panic must not leave the job busy for ever.
                    if let Err(broken) = app.tasks.spawn(work).await {
                        tracing::error!(job = job.name(), error = %broken, "the job broke off");
                    }
                    busy.store(false, Ordering::Release);
                })
            })?;
            scheduler.add(tick).await?;
        }
        scheduler.start().await?;
        Ok(Self(scheduler))
    }

    /// Ticks no more. Jobs under way finish, counted in `app.tasks`.
    pub async fn stop(mut self) {
        if let Err(error) = self.0.shutdown().await {
            tracing::warn!(%error, "the heartbeat did not stop cleanly");
        }
    }
}

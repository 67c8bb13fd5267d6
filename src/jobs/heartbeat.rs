//! Ticks every second and starts what is due. The tick is only a heartbeat; what is due, and done, is in rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_cron_scheduler::{Job as Tick, JobScheduler, JobSchedulerError};

use super::{Job, Schedule, run_due};
use crate::app::App;

/// Why there is no heartbeat.
pub type HeartbeatError = JobSchedulerError;

/// How often somebody looks whether it still beats.
const LOOK: Duration = Duration::from_secs(5);

/// A scheduler that ticks until it is stopped.
pub struct Heartbeat {
    keeper: JoinHandle<()>,
}

/// What all ticks of a process share.
#[derive(Clone)]
struct Pulse {
    app: App,
    /// Whether the job runs here, by its place in [`Job::ALL`].
    busy: Arc<[AtomicBool; Job::ALL.len()]>,
    /// Ticks so far.
    beats: Arc<AtomicU64>,
}

impl Heartbeat {
    /// Begins to tick.
    ///
    /// # Errors
    /// [`HeartbeatError`].
    pub async fn start(app: &App) -> Result<Self, HeartbeatError> {
        let pulse = Pulse { app: app.clone(), busy: Arc::default(), beats: Arc::default() };
        let scheduler = pulse.begin().await?;
        Ok(Self { keeper: tokio::spawn(pulse.keep(scheduler)) })
    }

    /// Waits until it ticks no more, which it does once `app.stopping` is cancelled. Jobs under way finish, counted in
    /// `app.tasks`.
    pub async fn stop(self) {
        if let Err(broken) = self.keeper.await {
            tracing::warn!(error = %broken, "the heartbeat did not stop cleanly");
        }
    }
}

impl Pulse {
    /// A scheduler that ticks for every job.
    async fn begin(&self) -> Result<JobScheduler, HeartbeatError> {
        let scheduler = JobScheduler::new().await?;
        for (place, job) in Job::ALL.into_iter().enumerate() {
            let pulse = self.clone();
            let tick = Tick::new_async_tz("* * * * * *", chrono::Utc, move |_, _| {
                let pulse = pulse.clone();
                Box::pin(async move { pulse.tick(place, job).await })
            })?;
            scheduler.add(tick).await?;
        }
        scheduler.start().await?;
        Ok(scheduler)
    }

    async fn tick(&self, place: usize, job: Job) {
        self.beats.fetch_add(1, Ordering::Relaxed);
        // A tick that comes while the job still runs here is let go.
        let Some(busy) = self.busy.get(place) else { return };
        // While it drains, it still takes purchases, which must be settled; what takes long is for the others.
        let ends = match job.schedule(&self.app) {
            Schedule::Every(_) => &self.app.stopping,
            Schedule::Daily { .. } => &self.app.draining,
        };
        if ends.is_cancelled() || busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let worker = self.app.clone();
        let work = async move {
            if let Err(error) = run_due(&worker, job, worker.clock.now()).await {
                tracing::warn!(job = job.name(), %error, "a tick did not work; the next one will try again");
            }
        };
        // A panic must not leave the job busy for ever.
        if let Err(broken) = self.app.tasks.spawn(work).await {
            tracing::error!(job = job.name(), error = %broken, "the job broke off");
        }
        busy.store(false, Ordering::Release);
    }

    /// Looks after `scheduler` until the process stops. It waits for times on the wall clock: when that is put back, its
    /// next tick is as far away, so one that is silent is replaced.
    async fn keep(self, mut scheduler: JobScheduler) {
        let mut seen = 0;
        while self.app.stopping.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            let beats = self.beats.load(Ordering::Relaxed);
            if beats == seen {
                tracing::warn!("no tick for seconds: was the clock moved? the heartbeat begins anew");
                match self.begin().await {
                    Ok(fresh) => end(std::mem::replace(&mut scheduler, fresh)).await,
                    Err(error) => {
                        tracing::error!(%error, "the heartbeat cannot begin anew; it is tried again")
                    }
                }
            }
            seen = beats;
        }
        end(scheduler).await;
    }
}

/// Ends the ticks of `scheduler`.
async fn end(mut scheduler: JobScheduler) {
    if let Err(error) = scheduler.shutdown().await {
        tracing::warn!(%error, "ticks did not end cleanly");
    }
}

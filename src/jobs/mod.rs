//! Jobs: all of them in one table, run by schedule or by hand, each run a row, one run per due time whoever ticks.

use chrono::{DateTime, Utc};
use sea_orm::DbErr;

use crate::app::App;
use crate::{
    check, compensations, event_amounts, idempotency, payments, reconcile, refunds, subscriptions,
    temp_orders, webhooks,
};

pub mod api;
mod heartbeat;
mod list;
mod progress;
mod record;
mod run;
mod schedule;
mod standing;

pub use heartbeat::{Heartbeat, HeartbeatError};
pub(crate) use list::{last_run, runs};
pub use progress::Progress;
pub(crate) use progress::Worked;
pub use run::{RunError, run_due, run_now, run_to_end};
pub use schedule::Schedule;
pub use standing::{JobStanding, standings};

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Brings the columns of subscriptions up to the clock.
    ExpireSubscriptions,
    /// Finds out unknown outcomes of payments and refunds.
    SettlePayments,
    /// Removes orders that can no longer be paid, and adds up the entries of the event total that are settled.
    PurgeTempOrders,
    /// Reads the payments again that Toss has called us about.
    ProcessWebhooks,
    /// Forgets webhooks that are over.
    PurgeWebhooks,
    /// Forgets callers' `Idempotency-Key`s that are a day old.
    PurgeIdempotencyKeys,
    /// Compares Toss's books with ours.
    Reconcile,
    /// Checks the invariants of our own books.
    Check,
}

impl Job {
    /// Every job.
    pub const ALL: [Job; 8] = [
        Job::ExpireSubscriptions,
        Job::SettlePayments,
        Job::PurgeTempOrders,
        Job::ProcessWebhooks,
        Job::PurgeWebhooks,
        Job::PurgeIdempotencyKeys,
        Job::Reconcile,
        Job::Check,
    ];

    /// Its name, in the API and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExpireSubscriptions => "expire-subscriptions",
            Self::SettlePayments => "settle-payments",
            Self::PurgeTempOrders => "purge-temp-orders",
            Self::ProcessWebhooks => "process-webhooks",
            Self::PurgeWebhooks => "purge-webhooks",
            Self::PurgeIdempotencyKeys => "purge-idempotency-keys",
            Self::Reconcile => "reconcile",
            Self::Check => "check",
        }
    }

    /// The job called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|job| job.name() == name)
    }

    /// When it is due.
    pub fn schedule(self, app: &App) -> Schedule {
        match self {
            Self::ExpireSubscriptions => Schedule::MIDNIGHT,
            Self::SettlePayments => Schedule::Every(app.config.scheduler.settle_interval_secs),
            Self::PurgeTempOrders | Self::PurgeIdempotencyKeys => Schedule::Every(600),
            Self::ProcessWebhooks => Schedule::Every(5),
            Self::PurgeWebhooks => Schedule::Every(3_600),
            Self::Reconcile => Schedule::Daily { hour: 4, minute: 30 },
            Self::Check => Schedule::Daily { hour: 5, minute: 0 },
        }
    }

    /// Does its work as of `now`, and counts the rows that it changes in `progress`.
    ///
    /// # Errors
    /// The database's own; batches that were done stay done, and running it again does the rest.
    async fn work(self, app: &App, now: DateTime<Utc>, progress: &Progress) -> Result<Worked, DbErr> {
        let rows = match self {
            Self::ExpireSubscriptions => return subscriptions::expire(app, now, progress).await,
            Self::Reconcile => return reconcile::nightly(app, now, progress).await,
            Self::SettlePayments => {
                // None may keep the others from their turn.
                let (payments, refunds, compensations) = tokio::join!(
                    payments::settle_due(app),
                    refunds::settle_due(app),
                    compensations::settle_due(app),
                );
                payments? + refunds? + compensations?
            }
            Self::PurgeTempOrders => {
                // The tidying up that is due every few minutes and has no name of its own.
                event_amounts::close(app, now).await?;
                temp_orders::purge(app, now).await?
            }
            Self::ProcessWebhooks => webhooks::work_off(app).await?,
            Self::PurgeWebhooks => webhooks::purge(app, now).await?,
            Self::PurgeIdempotencyKeys => idempotency::purge(app, now).await?,
            Self::Check => check::nightly(app, now).await?,
        };
        progress.add(rows);
        Ok(Worked::Whole)
    }
}

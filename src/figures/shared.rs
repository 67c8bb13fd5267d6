//! Lets few read the figures at once, and those who ask for the same at almost the same time share one answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::DbErr;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument;

use super::{Days, Overview, WITHIN, overview};
use crate::app::App;

/// How many read at once in this process; the other connections are for purchases.
const MOST_AT_ONCE: usize = 2;
/// How long one waits for a turn.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long figures are shown again without being read again.
const FRESH: TimeDelta = TimeDelta::seconds(5);
/// Ranges whose figures are kept.
const MOST_KEPT: usize = 4;

/// The turns of this process, and the figures that were read last.
#[derive(Debug)]
pub struct Shared {
    /// The turns.
    pub turns: Arc<Semaphore>,
    kept: Mutex<Vec<Arc<Overview>>>,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// Too many read already, or it takes too long.
    #[error("too many look at the figures, or they take too long")]
    Busy,
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl Default for Shared {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(MOST_AT_ONCE)), kept: Mutex::default() }
    }
}

impl Shared {
    /// The figures of `days` as of `now`, or a few seconds before.
    ///
    /// # Errors
    /// [`SharedError`].
    pub async fn overview(app: &App, days: Days, now: DateTime<Utc>) -> Result<Arc<Overview>, SharedError> {
        if let Some(known) = app.figures.fresh(&days, now) {
            return Ok(known);
        }
        let turn = Arc::clone(&app.figures.turns).acquire_owned();
        let turn = tokio::time::timeout(PATIENCE, turn).await.ok().and_then(Result::ok);
        let turn = turn.ok_or(SharedError::Busy)?;
        // Whoever had the turn before may have read the same.
        if let Some(known) = app.figures.fresh(&days, now) {
            return Ok(known);
        }
        // A task of its own: whoever gives up waiting leaves its turn to nobody before the database is free of it.
        let task = app.tasks.spawn(read(app.clone(), days, now, turn).in_current_span());
        match tokio::time::timeout(WITHIN, task).await {
            Ok(Ok(figures)) => Ok(figures?),
            Ok(Err(broken)) => Err(DbErr::Custom(format!("the figures broke off: {broken}")).into()),
            Err(_late) => Err(SharedError::Busy),
        }
    }

    /// The figures of `days`, if they were read a moment before `now`.
    fn fresh(&self, days: &Days, now: DateTime<Utc>) -> Option<Arc<Overview>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |figures: &&Arc<Overview>| {
            (figures.from, figures.to) == (days.first(), days.last_day())
                && (now - figures.as_of).abs() < FRESH
        };
        kept.iter().find(same).cloned()
    }

    fn keep(&self, figures: &Arc<Overview>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| (other.from, other.to) != (figures.from, figures.to));
        kept.insert(0, Arc::clone(figures));
        kept.truncate(MOST_KEPT);
    }
}

async fn read(
    app: App,
    days: Days,
    now: DateTime<Utc>,
    _turn: OwnedSemaphorePermit,
) -> Result<Arc<Overview>, DbErr> {
    let figures = Arc::new(overview(&app, &days, now).await?);
    app.figures.keep(&figures);
    Ok(figures)
}

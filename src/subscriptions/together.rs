//! Entitlement checks that wait at the same time share one statement: whoever gets a turn reads for all who wait.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use entity::UserId;
use sea_orm::DbErr;
use tokio::sync::{Semaphore, oneshot};

use super::read::{Held, Subscribed, held, held_together};
use crate::clock::Clock;
use crate::db::Database;

/// Statements that read at once. With fewer, more wait together; with more, none waits long behind a slow one.
const AT_ONCE: usize = 2;
/// Users that one statement reads at most.
const MOST_TOGETHER: usize = 32;

/// Who waits; cheap to clone.
#[derive(Clone, Debug)]
pub struct Together(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    waiting: Mutex<VecDeque<Waiting>>,
    turns: Semaphore,
}

#[derive(Debug)]
struct Waiting {
    user_id: UserId,
    /// Set once somebody reads for it.
    taken: Arc<AtomicBool>,
    answer: oneshot::Sender<Option<Held>>,
}

impl Default for Together {
    fn default() -> Self {
        Self(Arc::new(Shared { waiting: Mutex::default(), turns: Semaphore::new(AT_ONCE) }))
    }
}

impl Together {
    /// The subscription of `user_id`, read after this was called, so that a caller sees what it has just bought, and the
    /// instant at which it stands so: by `clock` after the wait, which may have been longer than what was left of it.
    ///
    /// # Errors
    /// The database's own.
    pub(super) async fn of_user(
        &self,
        db: &Database,
        user_id: &UserId,
        clock: &Clock,
    ) -> Result<Option<(Subscribed, DateTime<Utc>)>, DbErr> {
        let found = match self.0.ask(db, user_id).await {
            Some(found) => found,
            // Whoever read for us could not, or has gone.
            None => held(db.read(), user_id).await?,
        };
        let now = clock.now();
        found.map(|held| Ok((held.at(now)?, now))).transpose()
    }
}

impl Shared {
    /// What somebody read for us; none when nobody could.
    async fn ask(&self, db: &Database, user_id: &UserId) -> Option<Option<Held>> {
        let (answer, mut answered) = oneshot::channel();
        let taken = Arc::new(AtomicBool::new(false));
        self.queue(Waiting { user_id: user_id.clone(), taken: Arc::clone(&taken), answer });
        // One turn may go to others who have waited longer.
        loop {
            tokio::select! {
                biased;
                found = &mut answered => return found.ok(),
                Ok(turn) = self.turns.acquire() => {
                    if taken.load(Ordering::Acquire) {
                        // Somebody reads for us by now: the turn is for those who still wait.
                        drop(turn);
                        return answered.await.ok();
                    }
                    self.serve(db).await;
                }
            }
        }
    }

    fn queue(&self, waiting: Waiting) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(waiting);
    }

    /// Reads for those who have waited longest.
    async fn serve(&self, db: &Database) {
        let batch: Vec<Waiting> = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let most = waiting.len().min(MOST_TOGETHER);
            let batch = waiting.drain(..most).filter(|one| !one.answer.is_closed());
            batch.inspect(|one| one.taken.store(true, Ordering::Release)).collect()
        };
        match batch.as_slice() {
            [] => {}
            [one] => {
                if let Ok(found) = held(db.read(), &one.user_id).await {
                    batch.into_iter().for_each(|one| one.tell(found.clone()));
                }
            }
            many => {
                let user_ids: Vec<UserId> = many.iter().map(|one| one.user_id.clone()).collect();
                if let Ok(Some(found)) = held_together(db.read(), &user_ids).await {
                    for one in batch {
                        let own = found.get(&one.user_id).cloned();
                        one.tell(own);
                    }
                }
            }
        }
    }
}

impl Waiting {
    fn tell(self, found: Option<Held>) {
        // It may have hung up.
        let _ = self.answer.send(found);
    }
}

//! Entitlement checks that wait at the same time share one statement: a reader reads for all who wait.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::UserId;
use sea_orm::DbErr;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::read::{Found, found_together, held};
use super::told::{Memory, Told};
use crate::clock::Clock;
use crate::db::{Database, Reader, is_unreachable};
use crate::http::error::ApiError;

/// Readers at once. One serves as long as it can, so that many wait together; another helps it where it cannot.
const MOST_READERS: usize = 2;
/// For how long no reader has begun anything when they need help: a statement is a slow one.
const SLOW: Duration = Duration::from_millis(10);
/// Users that one statement reads at most.
const MOST_TOGETHER: usize = 32;
/// So many share a statement well: what one costs is no longer felt.
const ENOUGH_TOGETHER: usize = 8;
/// How often a reader lets others go first who are about to wait as well, while they do.
const MOST_COURTESIES: usize = 2;
/// How long a reader keeps its connection while nobody waits.
const LINGERS: Duration = Duration::from_millis(20);
/// How long it keeps it while the pool has no other. Then it queues for one behind those who wait for it, who give up after
/// five seconds.
const KEEPS: Duration = Duration::from_secs(1);

/// Who waits, and who reads; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Together(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Told when somebody waits and a reader has nothing to do.
    arrived: Notify,
    memory: Memory,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    readers: usize,
    /// Readers that have nothing to do.
    idle: usize,
    /// When a reader last began something.
    begun: Option<Instant>,
}

impl Queue {
    /// Whether those who wait need one more reader than there are.
    fn needs_a_reader(&self) -> bool {
        let is_slow = || self.begun.is_none_or(|begun| begun.elapsed() >= SLOW);
        match self.readers {
            0 => true,
            MOST_READERS.. => false,
            _ => self.waiting.len() >= MOST_TOGETHER || is_slow(),
        }
    }

    /// Those who have waited longest, as many as share a statement, without those who have gone.
    fn take(&mut self) -> Vec<Waiting> {
        let most = self.waiting.len().min(MOST_TOGETHER);
        let batch: Vec<_> = self.waiting.drain(..most).filter(|one| !one.answer.is_closed()).collect();
        if !batch.is_empty() {
            self.begun = Some(Instant::now());
        }
        batch
    }
}

#[derive(Debug)]
struct Waiting {
    user_id: UserId,
    answer: oneshot::Sender<Option<Found>>,
}

impl Together {
    /// What a caller is told of the subscription of `user_id`, read after this was called, so that a caller sees what it has just
    /// bought, and the instant at which it stands so: by `clock` after the wait, which may have been longer than what was
    /// left of it.
    ///
    /// # Errors
    /// The database's own, and when an answer makes no JSON.
    pub async fn of_user(
        &self,
        db: &Database,
        user_id: &UserId,
        clock: &Clock,
    ) -> Result<Option<(Arc<Told>, DateTime<Utc>)>, ApiError> {
        let asked = self.ask(db, user_id, clock).await;
        let now = clock.now();
        match asked {
            Ok(None) => return Ok(None),
            Ok(Some(Found::Told(told))) if told.holds(now) => return Ok(Some((told, now))),
            Ok(Some(Found::Held(held, row))) => {
                if let Some(subscribed) = held.tells(now) {
                    let told = Arc::new(Told::of(subscribed, now)?);
                    if let Some(row) = row {
                        self.0.memory.keep(user_id, row, &told, now);
                    }
                    return Ok(Some((told, now)));
                }
            }
            // What was told of the row ended a moment ago, another plan has begun since it was written, or whoever read for us
            // could not, or not all of it.
            Ok(Some(Found::Told(_))) | Err(_) => {}
        }
        let Some(held) = Box::pin(held(db.read(), user_id)).await? else { return Ok(None) };
        let now = clock.now();
        Ok(Some((Arc::new(Told::of(held.at(now)?, now)?), now)))
    }

    fn ask(&self, db: &Database, user_id: &UserId, clock: &Clock) -> oneshot::Receiver<Option<Found>> {
        let (answer, answered) = oneshot::channel();
        let mut queue = self.0.queue();
        queue.waiting.push_back(Waiting { user_id: user_id.clone(), answer });
        if queue.idle > 0 {
            self.0.arrived.notify_one();
        } else if queue.needs_a_reader() {
            queue.readers += 1;
            queue.begun = Some(Instant::now());
            let reading = Reading { shared: Arc::clone(&self.0), counted: true };
            tokio::spawn(reading.serve(db.clone(), clock.clone()));
        }
        answered
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets whoever can go on do so first, as long as that brings more who wait: they share the statement then.
    async fn let_others_come(&self) {
        let mut waited = 0;
        for _ in 0..MOST_COURTESIES {
            let waiting = self.queue().waiting.len();
            if waiting == waited || waiting >= ENOUGH_TOGETHER {
                return;
            }
            waited = waiting;
            tokio::task::yield_now().await;
        }
    }
}

/// A reader at work.
struct Reading {
    shared: Arc<Shared>,
    counted: bool,
}

impl Drop for Reading {
    fn drop(&mut self) {
        if self.counted {
            // It was cut off: whoever waits reads for itself.
            let mut queue = self.shared.queue();
            queue.readers -= 1;
            queue.waiting.clear();
        }
    }
}

impl Reading {
    /// Reads for those who wait, those who have waited longest first, until nobody does.
    async fn serve(mut self, db: Database, clock: Clock) {
        let (mut reader, mut since) = (None, Instant::now());
        loop {
            let Some(batch) = self.next(&db).await else { return };
            if reader.is_some() && since.elapsed() >= KEEPS && !db.has_spare() {
                reader = None;
            }
            if reader.is_none() {
                since = Instant::now();
            }
            let memory = &self.shared.memory;
            reader = match read(&db, reader, batch, memory, &clock).await {
                Ok(reader) => Some(reader),
                Err(error) => {
                    tracing::debug!(%error, "could not read for those who wait; they read for themselves");
                    if is_unreachable(&error) {
                        // The next ones would wait as long for the same; all of them find out at once now.
                        self.shared.queue().waiting.clear();
                    }
                    None
                }
            };
        }
    }

    /// Those who wait; none when nobody came for a while, or the connection may be needed elsewhere.
    async fn next(&mut self, db: &Database) -> Option<Vec<Waiting>> {
        let shared = Arc::clone(&self.shared);
        let mut patient = true;
        loop {
            shared.let_others_come().await;
            {
                let mut queue = shared.queue();
                let batch = queue.take();
                if !batch.is_empty() {
                    return Some(batch);
                }
                if !queue.waiting.is_empty() {
                    continue;
                }
                if !patient || !db.has_spare() {
                    queue.readers -= 1;
                    self.counted = false;
                    return None;
                }
                queue.idle += 1;
            }
            patient = tokio::time::timeout(LINGERS, shared.arrived.notified()).await.is_ok();
            let mut queue = shared.queue();
            queue.idle -= 1;
            queue.begun = Some(Instant::now());
        }
    }
}

/// Reads for all of `batch`, on `reader` or one of the pool's, and hands that back.
async fn read(
    db: &Database,
    reader: Option<Reader>,
    batch: Vec<Waiting>,
    memory: &Memory,
    clock: &Clock,
) -> Result<Reader, DbErr> {
    let mut reader = match reader {
        Some(reader) => reader,
        None => db.reader().await?,
    };
    let user_ids: Vec<&UserId> = batch.iter().map(|one| &one.user_id).collect();
    let (found, untold) = found_together(&mut reader, &user_ids, memory, clock.now()).await?;
    for one in batch {
        if !untold.contains(&one.user_id) {
            // It may have hung up.
            let _ = one.answer.send(found.get(&one.user_id).cloned());
        }
    }
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue with so many readers, of whom one began something at `begun`, and so many who wait.
    fn queue(readers: usize, begun: Instant, waiting: usize) -> Queue {
        let one = || Waiting { user_id: UserId::erased(), answer: oneshot::channel().0 };
        let waiting = std::iter::repeat_with(one).take(waiting).collect();
        Queue { waiting, readers, idle: 0, begun: Some(begun) }
    }

    #[test]
    fn one_reader_serves_all_until_it_is_slow_or_they_are_too_many() {
        // However slow this test is.
        let just_now = Instant::now() + Duration::from_hours(1);
        let long_ago = Instant::now() - SLOW;
        assert!(queue(0, just_now, 1).needs_a_reader());
        assert!(!queue(1, just_now, 1).needs_a_reader());
        assert!(queue(1, long_ago, 1).needs_a_reader());
        assert!(queue(1, just_now, MOST_TOGETHER).needs_a_reader());
        assert!(!queue(MOST_READERS, long_ago, MOST_TOGETHER).needs_a_reader());
    }
}

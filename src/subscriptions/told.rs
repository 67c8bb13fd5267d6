//! What callers are told of a subscription, and what is remembered of that: an answer follows from the row and the time alone,
//! so while the database sends the same row, byte by byte, and the time has not changed it, it is not made again.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use entity::UserId;
use sha2::{Digest, Sha256};

use super::api::SubscriptionView;
use super::read::Subscribed;
use crate::generations::{Generations, Micros};
use crate::http::body::Written;
use crate::http::error::ApiError;

/// Answers that are remembered.
const MOST: usize = 8_192;
/// The largest answer that is, with its row, in bytes: all of them take 40 MB at most, ordinary ones 13 MB.
const LARGEST: usize = 4_096;
/// For how long one is remembered that nobody asks for, unless there are too many: ten minutes or more.
const LASTS: Micros = 600_000_000;

/// The answer to an entitlement check.
#[derive(Debug)]
pub struct Told {
    /// The subscription.
    pub(super) body: Written<SubscriptionView>,
    /// Names the body (RFC 9110, 8.8.3).
    pub(super) tag: String,
    /// From which instant on something else is true; none when time alone changes nothing.
    pub(super) changes_at: Option<DateTime<Utc>>,
    made_at: DateTime<Utc>,
}

impl Told {
    /// What is told of `subscribed`, which stands so at `now`.
    ///
    /// # Errors
    /// When it makes no JSON.
    pub(super) fn of(subscribed: Subscribed, now: DateTime<Utc>) -> Result<Self, ApiError> {
        let changes_at = subscribed.changes_at;
        let body = Written::of(&SubscriptionView::of(subscribed))?;
        let hash = Sha256::digest(body.bytes());
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash[..16]));
        Ok(Self { body, tag, changes_at, made_at: now })
    }

    /// Whether it is still true at `now`, if the row is the same. A clock that was set back to before it was made tells nothing.
    pub(super) fn holds(&self, now: DateTime<Utc>) -> bool {
        self.made_at <= now && self.changes_at.is_none_or(|at| now < at)
    }
}

/// What was told, by user.
#[derive(Debug)]
pub(super) struct Memory(Mutex<Generations<UserId, Arc<Remembered>>>);

#[derive(Debug)]
struct Remembered {
    row: Vec<u8>,
    told: Arc<Told>,
}

impl Default for Memory {
    fn default() -> Self {
        Self(Mutex::new(Generations::new(MOST, LASTS)))
    }
}

impl Memory {
    /// What was told of the user's `row`, if that is the same and it holds at `now`.
    pub(super) fn recall(&self, user_id: &UserId, row: &[u8], now: DateTime<Utc>) -> Option<Arc<Told>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = all.renew(user_id, now.timestamp_micros())?;
        drop(all);
        (remembered.row == row && remembered.told.holds(now)).then(|| Arc::clone(&remembered.told))
    }

    /// Remembers what was told of the user's `row` at `now`, unless that is much.
    pub(super) fn keep(&self, user_id: &UserId, row: Vec<u8>, told: &Arc<Told>, now: DateTime<Utc>) {
        if told.body.bytes().len() + row.len() > LARGEST {
            return;
        }
        let remembered = Arc::new(Remembered { row, told: Arc::clone(told) });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.put(user_id.clone(), remembered, now.timestamp_micros());
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use entity::plan::{self, PlanType};
    use entity::subscription::{self, SubscriptionStatus};
    use entity::{Currency, Won};

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::seconds(second)
    }

    /// What is told at second 10 of a subscription whose plan has a `name`; it ends at second 20.
    fn told(name: &str) -> Arc<Told> {
        let plan = plan::Model {
            id: "01900000-0000-7000-8000-000000000002".parse().expect("an id"),
            code: "BASIC".parse().expect("a code"),
            name: name.to_owned(),
            r#type: PlanType::Basic,
            price: Won::new(9_900).expect("won"),
            currency: Currency::Krw,
            interval_months: Some(1),
            is_active: true,
            created_at: at(1),
            updated_at: at(1),
        };
        let row = subscription::Model {
            id: "01900000-0000-7000-8000-000000000001".parse().expect("an id"),
            user_id: user(),
            plan_id: plan.id,
            status: SubscriptionStatus::Active,
            is_active: true,
            start_date: at(1),
            end_date: at(20),
            changes_at: Some(at(20)),
            created_at: at(1),
            updated_at: at(1),
            periods: None,
            periods_as_of: None,
        };
        let (status, changes_at, periods) = (row.status, row.changes_at, Vec::new());
        let told = Told::of(Subscribed { row, status, plan, changes_at, periods }, at(10));
        Arc::new(told.expect("JSON"))
    }

    fn user() -> UserId {
        "u1".parse().expect("an id")
    }

    #[test]
    fn an_answer_holds_from_when_it_was_made_to_the_next_change() {
        let told = told("BASIC");
        assert_eq!([9, 10, 19, 20].map(|second| told.holds(at(second))), [false, true, true, false]);
    }

    #[test]
    fn an_answer_is_remembered_for_its_row_and_no_other() {
        let (memory, told) = (Memory::default(), told("BASIC"));
        memory.keep(&user(), b"row".to_vec(), &told, at(10));
        let tag = |row: &[u8], second| memory.recall(&user(), row, at(second)).map(|known| known.tag.clone());
        assert_eq!(tag(b"row", 19).as_deref(), Some(told.tag.as_str()));
        assert_eq!([tag(b"another", 19), tag(b"row", 20), tag(b"row", 9)], [None, None, None]);
        assert!(memory.recall(&"u2".parse().expect("an id"), b"row", at(19)).is_none());
    }

    #[test]
    fn a_large_answer_is_not_remembered() {
        let memory = Memory::default();
        memory.keep(&user(), b"row".to_vec(), &told(&"n".repeat(LARGEST)), at(10));
        assert!(memory.recall(&user(), b"row", at(10)).is_none());
    }
}

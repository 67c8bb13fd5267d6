//! Finds the key that a caller shows, by its digest. What was found is remembered for a few seconds: reading an
//! entitlement reads no key, and a revocation still works everywhere before anybody notices.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, Utc};
use entity::ApiKeyId;
use entity::api_key::{self, ApiKeyRole};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};

use super::text;
use super::used::Uses;
use crate::app::App;

/// How long an answer of the database is believed.
const BELIEVED: Duration = Duration::seconds(4);
/// Keys that are remembered, and as many that were none: strangers cannot push out what is good.
const MOST: usize = 1_024;

/// A key that is good for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Identifies it.
    pub id: ApiKeyId,
    /// What people see of it.
    pub prefix: String,
    /// What it may do.
    pub role: ApiKeyRole,
    /// From which instant on it is refused.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Known {
    /// The key of a row that was not revoked.
    fn of(row: api_key::Model) -> Option<Self> {
        let known = Self { id: row.id, prefix: row.prefix, role: row.role, expires_at: row.expires_at };
        row.revoked_at.is_none().then_some(known)
    }

    fn is_good(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

/// What is remembered of keys, and of their use.
#[derive(Default)]
pub struct Lookup {
    remembered: Mutex<Remembered>,
    pub(super) uses: Uses,
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookup")
    }
}

#[derive(Default)]
struct Remembered {
    good: HashMap<[u8; 32], (DateTime<Utc>, Known)>,
    none: HashMap<[u8; 32], DateTime<Utc>>,
}

impl Lookup {
    /// The key that `text` is, if it is good at `now`. Its use is noted.
    ///
    /// # Errors
    /// The database's own, where it has to be asked.
    pub async fn find(app: &App, text: &str, now: DateTime<Utc>) -> Result<Option<Known>, DbErr> {
        if !text::looks_like_a_key(text) {
            return Ok(None);
        }
        let digest = text::digest(text);
        let found = match app.api_keys.recall(&digest, now) {
            Some(found) => found,
            None => {
                // Apart, because it is large and rare.
                let found = Box::pin(read(app, &digest)).await?;
                app.api_keys.remember(digest, found.clone(), now);
                found
            }
        };
        let good = found.filter(|key| key.is_good(now));
        if let Some(key) = &good {
            Uses::note(app, key.id, now);
        }
        Ok(good)
    }

    /// The key `id`, if it is still good at `now`, for what it has opened. Always read, and its use is noted.
    ///
    /// # Errors
    /// The database's own.
    pub async fn still(app: &App, id: ApiKeyId, now: DateTime<Utc>) -> Result<Option<Known>, DbErr> {
        let found = api_key::Entity::find_by_id(id).one(app.db.read()).await?;
        let good = found.and_then(Known::of).filter(|key| key.is_good(now));
        if good.is_some() {
            Uses::note(app, id, now);
        }
        Ok(good)
    }

    /// Forgets what is remembered of the key with this digest, in hexadecimal digits.
    pub(super) fn forget(&self, hash: &str) {
        self.remembered().good.retain(|digest, _| text::hex(digest) != hash);
    }

    /// What the database said a moment ago. A clock that was set back makes it forgotten rather than believed longer.
    fn recall(&self, digest: &[u8; 32], now: DateTime<Utc>) -> Option<Option<Known>> {
        let remembered = self.remembered();
        if let Some((read_at, key)) = remembered.good.get(digest) {
            return fresh(*read_at, now).then(|| Some(key.clone()));
        }
        remembered.none.get(digest).is_some_and(|read_at| fresh(*read_at, now)).then_some(None)
    }

    fn remember(&self, digest: [u8; 32], found: Option<Known>, now: DateTime<Utc>) {
        let mut remembered = self.remembered();
        let Remembered { good, none } = &mut *remembered;
        match found {
            Some(key) => {
                none.remove(&digest);
                room(good, |(read_at, _)| fresh(*read_at, now));
                good.insert(digest, (now, key));
            }
            None => {
                good.remove(&digest);
                room(none, |read_at| fresh(*read_at, now));
                none.insert(digest, now);
            }
        }
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fresh(read_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    read_at <= now && now - read_at < BELIEVED
}

/// Makes room for one more: what is stale goes, and if nothing is, everything.
fn room<V>(kept: &mut HashMap<[u8; 32], V>, is_fresh: impl Fn(&V) -> bool) {
    if kept.len() >= MOST {
        kept.retain(|_, value| is_fresh(value));
    }
    if kept.len() >= MOST {
        kept.clear();
    }
}

async fn read(app: &App, digest: &[u8; 32]) -> Result<Option<Known>, DbErr> {
    // An index is compared in no constant time; but who could learn a digest of 256 random bits from that could not
    // make a key of it.
    let query = api_key::Entity::find()
        .filter(api_key::Column::Hash.eq(text::hex(digest)))
        .filter(api_key::Column::RevokedAt.is_null());
    Ok(query.one(app.db.read()).await?.and_then(Known::of))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + seconds, 0).expect("in range")
    }

    fn known() -> Known {
        Known { id: ApiKeyId::new(), prefix: "p".to_owned(), role: ApiKeyRole::Service, expires_at: None }
    }

    #[test]
    fn what_was_read_is_believed_for_seconds_and_never_from_the_future() {
        let (lookup, key) = (Lookup::default(), known());
        lookup.remember([1; 32], Some(key.clone()), at(0));
        lookup.remember([2; 32], None, at(0));
        assert_eq!(lookup.recall(&[1; 32], at(3)), Some(Some(key)));
        assert_eq!(lookup.recall(&[2; 32], at(3)), Some(None));
        for later in [at(4), at(-1)] {
            assert_eq!(lookup.recall(&[1; 32], later), None);
            assert_eq!(lookup.recall(&[2; 32], later), None);
        }
        assert_eq!(lookup.recall(&[3; 32], at(0)), None);
        lookup.forget(&text::hex(&[1; 32]));
        assert_eq!(lookup.recall(&[1; 32], at(3)), None);
    }

    #[test]
    fn guesses_fill_no_memory_and_push_out_no_key() {
        let (lookup, key) = (Lookup::default(), known());
        lookup.remember([1; 32], Some(key.clone()), at(0));
        for guess in 0..u32::try_from(MOST * 3).expect("small") {
            lookup.remember(text::digest(&guess.to_string()), None, at(0));
        }
        assert!(lookup.remembered().none.len() <= MOST);
        assert_eq!(lookup.recall(&[1; 32], at(0)), Some(Some(key)));
    }
}

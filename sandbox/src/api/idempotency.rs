//! The idempotency store: one answer per key, API key, URL and method. The body plays no part.
//!
//! Answers with 2xx and 4xx are kept and repeated byte by byte. Whether Toss keeps a 5xx is not
//! documented; here it is not kept, so the same key runs again. A 409 is not kept either: it is what a key
//! answers while its first call runs.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, Duration, Utc};

/// How long a key is remembered, from its first use.
const LIFETIME: Duration = Duration::days(15);

/// How many keys are remembered; the oldest is forgotten first.
const MAX_KEYS: usize = 100_000;

/// The longest key, in characters.
const MAX_LENGTH: usize = 300;

/// What a key covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Scope(Arc<str>);

impl Scope {
    /// The scope of one call. The parts cannot run into each other: no header and no path holds a line break.
    pub(crate) fn new(key: &str, api_key: &str, method: &str, url: &str) -> Self {
        Self(format!("{key}\n{api_key}\n{method}\n{url}").into())
    }
}

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) status: u16,
    pub(crate) body: Arc<[u8]>,
    /// The trace id of the call that was first.
    pub(crate) trace: String,
}

/// What a key says when a call begins.
#[derive(Debug)]
pub(crate) enum Begin {
    /// The key is new, or free again: the call runs under this ticket.
    Run(u64),
    /// The first call under this key still runs.
    Running,
    /// The first call is done; this is its answer.
    Repeat(Kept),
}

#[derive(Debug)]
struct Slot {
    ticket: u64,
    kept: Option<Kept>,
}

/// All keys that are remembered.
#[derive(Debug, Default)]
pub(crate) struct Store {
    slots: HashMap<Scope, Slot>,
    /// First uses in order, for forgetting; some may point to slots that are gone.
    uses: VecDeque<(DateTime<Utc>, Scope, u64)>,
    tickets: u64,
}

/// Whether a key may be used at all.
pub(crate) fn valid(key: &str) -> bool {
    key.chars().count() <= MAX_LENGTH
}

impl Store {
    /// Begins a call under a key.
    pub(crate) fn begin(&mut self, scope: &Scope, now: DateTime<Utc>) -> Begin {
        self.forget(now);
        if let Some(slot) = self.slots.get(scope) {
            return slot.kept.clone().map_or(Begin::Running, Begin::Repeat);
        }
        self.tickets += 1;
        self.slots.insert(scope.clone(), Slot { ticket: self.tickets, kept: None });
        self.uses.push_back((now, scope.clone(), self.tickets));
        Begin::Run(self.tickets)
    }

    /// Ends a call: keeps its answer, or frees the key.
    pub(crate) fn end(&mut self, scope: &Scope, ticket: u64, kept: Option<Kept>) {
        let Some(slot) = self.slots.get_mut(scope).filter(|slot| slot.ticket == ticket) else { return };
        match kept {
            Some(kept) => slot.kept = Some(kept),
            None => {
                self.slots.remove(scope);
            }
        }
    }

    fn forget(&mut self, now: DateTime<Utc>) {
        while self.uses.front().is_some_and(|(at, ..)| self.uses.len() > MAX_KEYS || now - *at >= LIFETIME) {
            let Some((_, scope, ticket)) = self.uses.pop_front() else { return };
            if self.slots.get(&scope).is_some_and(|slot| slot.ticket == ticket) {
                self.slots.remove(&scope);
            }
        }
    }
}

/// Whether an answer with this status is kept.
pub(crate) fn keeps(status: u16) -> bool {
    (200..500).contains(&status) && status != 409 && status != 429
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn kept() -> Kept {
        Kept { status: 200, body: Arc::from(*b"{}"), trace: "t".into() }
    }

    #[test]
    fn every_part_of_the_scope_counts() {
        let mut store = Store::default();
        let scope = Scope::new("k", "sk", "POST", "/a");
        assert!(matches!(store.begin(&scope, NOW), Begin::Run(_)));
        assert!(matches!(store.begin(&scope, NOW), Begin::Running));
        for other in [
            ("l", "sk", "POST", "/a"),
            ("k", "sl", "POST", "/a"),
            ("k", "sk", "PUT", "/a"),
            ("k", "sk", "POST", "/b"),
        ] {
            let scope = Scope::new(other.0, other.1, other.2, other.3);
            assert!(matches!(store.begin(&scope, NOW), Begin::Run(_)), "{other:?}");
        }
    }

    #[test]
    fn an_answer_lives_fifteen_days() {
        let mut store = Store::default();
        let scope = Scope::new("k", "sk", "POST", "/a");
        let Begin::Run(ticket) = store.begin(&scope, NOW) else { panic!("not new") };
        store.end(&scope, ticket, Some(kept()));
        let last = NOW + Duration::days(15) - Duration::seconds(1);
        assert!(matches!(store.begin(&scope, last), Begin::Repeat(answer) if answer == kept()));
        assert!(matches!(store.begin(&scope, last + Duration::seconds(1)), Begin::Run(_)));
    }

    #[test]
    fn a_freed_key_runs_again_and_a_stale_ticket_changes_nothing() {
        let mut store = Store::default();
        let scope = Scope::new("k", "sk", "POST", "/a");
        let Begin::Run(first) = store.begin(&scope, NOW) else { panic!("not new") };
        store.end(&scope, first, None);
        let Begin::Run(_) = store.begin(&scope, NOW) else { panic!("not free") };
        store.end(&scope, first, Some(kept()));
        assert!(matches!(store.begin(&scope, NOW), Begin::Running));
    }

    #[test]
    fn keys_are_bounded_in_number_and_length() {
        let mut store = Store::default();
        for n in 0..=MAX_KEYS + 1 {
            store.begin(&Scope::new(&n.to_string(), "sk", "POST", "/a"), NOW);
        }
        assert!(store.slots.len() <= MAX_KEYS + 1);
        assert!(valid(&"가".repeat(300)) && !valid(&"a".repeat(301)));
        assert_eq!([200, 400, 404, 409, 429, 500].map(keeps), [true, true, true, false, false, false]);
    }
}

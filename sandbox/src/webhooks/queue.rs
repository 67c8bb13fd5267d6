//! The queue of webhooks and their log in one: what is due, what waits, what has become of the rest.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::letter::{Heard, Held, Letter, Webhook, WebhookState};

/// How many webhooks are remembered. The oldest that are done with are forgotten first.
const MAX_LETTERS: usize = 10_000;

/// One attempt, for whoever sends it.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) id: u64,
    pub(crate) transmission_id: String,
    /// How often it was sent before.
    pub(crate) retried: u32,
    pub(crate) body: Arc<str>,
    pub(crate) at: DateTime<Utc>,
}

/// How many webhooks stand how, of those that are remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookCounts {
    /// Being sent, or to be sent now.
    pub due: usize,
    /// To be sent later: after a failed attempt, or after a delay.
    pub later: usize,
    /// Held back by a fault.
    pub held_back: usize,
    /// Answered with 200.
    pub delivered: usize,
    /// Given up after the last attempt.
    pub failed: usize,
    /// Never sent.
    pub dropped: usize,
}

/// All webhooks that are remembered, by their number.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    letters: BTreeMap<u64, Letter>,
    last: u64,
    /// Those that wait, by the time at which they are sent.
    schedule: BTreeSet<(DateTime<Utc>, u64)>,
    held: BTreeSet<u64>,
    sending: BTreeSet<u64>,
}

impl Queue {
    /// Adds a webhook, and forgets one when there are too many.
    pub(crate) fn add(&mut self, letter: Letter) -> u64 {
        if self.letters.len() >= MAX_LETTERS {
            let done = self.letters.iter().find(|(_, letter)| letter.finished());
            let oldest = done.or_else(|| self.letters.first_key_value()).map(|(id, _)| *id);
            if let Some(id) = oldest {
                self.unlist(id);
                self.letters.remove(&id);
            }
        }
        self.last += 1;
        self.letters.insert(self.last, letter);
        self.list(self.last);
        self.last
    }

    /// Takes up to `free` webhooks to send now. While one is being sent, later ones about the same order wait:
    /// without a fault they arrive in order.
    pub(crate) fn take_due(&mut self, now: DateTime<Utc>, free: usize) -> Vec<Attempt> {
        let order_of = |id: &u64| self.letters.get(id).and_then(|letter| letter.order_id.clone());
        let mut busy: HashSet<String> = self.sending.iter().filter_map(order_of).collect();
        let mut taken = Vec::new();
        for (_, id) in self.schedule.iter().take_while(|(at, _)| *at <= now) {
            let Some(letter) = self.letters.get(id) else { continue };
            if taken.len() >= free {
                break;
            }
            let free_way = letter.order_id.as_ref().is_none_or(|order| !busy.contains(order));
            if free_way || letter.at_once {
                busy.extend(letter.order_id.clone());
                taken.push(*id);
            }
        }
        taken.into_iter().filter_map(|id| self.start(id, now)).collect()
    }

    fn start(&mut self, id: u64, now: DateTime<Utc>) -> Option<Attempt> {
        self.unlist(id);
        let letter = self.letters.get_mut(&id)?;
        letter.state = WebhookState::Sending;
        let attempt = Attempt {
            id,
            transmission_id: letter.transmission_id.clone(),
            retried: letter.attempts,
            body: Arc::clone(&letter.body),
            at: now,
        };
        self.list(id);
        Some(attempt)
    }

    /// Notes what an attempt came to, and lets go of those that waited to be overtaken by this one.
    pub(crate) fn sent(&mut self, id: u64, heard: Heard, now: DateTime<Utc>) {
        self.unlist(id);
        let Some(letter) = self.letters.get_mut(&id) else { return };
        letter.heard(heard, now);
        let order_id = letter.order_id.clone();
        self.list(id);
        let overtaken = |earlier: &u64| {
            let letter = self.letters.get(earlier);
            letter.is_some_and(|letter| letter.held == Some(Held::Overtaken) && letter.order_id == order_id)
        };
        let overtaken: Vec<u64> = self.held.range(..id).copied().filter(overtaken).collect();
        overtaken.into_iter().for_each(|id| self.due_at(id, now));
    }

    /// Lets go of what waited for the answer of a call.
    pub(crate) fn answered(&mut self, ids: &[u64], now: DateTime<Utc>) {
        for id in ids {
            if self.letters.get(id).is_some_and(|letter| letter.held == Some(Held::Answered)) {
                self.due_at(*id, now);
            }
        }
    }

    /// Lets go of all that faults hold back or delay; what waits for the answer of a call goes on waiting.
    pub(crate) fn release(&mut self, now: DateTime<Utc>) {
        let lets_go = |letter: &Letter| match letter.state {
            WebhookState::HeldBack => letter.held != Some(Held::Answered),
            WebhookState::Waiting => letter.attempts == 0 && letter.next_at.is_some_and(|at| at > now),
            _ => false,
        };
        let ids: Vec<u64> =
            self.letters.iter().filter(|(_, letter)| lets_go(letter)).map(|(id, _)| *id).collect();
        ids.into_iter().for_each(|id| self.due_at(id, now));
    }

    /// Sends again now: the webhooks with this transmission id, however they stand, or all that were sent and
    /// not taken. Says how many.
    pub(crate) fn resend(&mut self, transmission_id: Option<&str>, now: DateTime<Utc>) -> usize {
        let wanted = |letter: &Letter| match transmission_id {
            Some(id) => letter.transmission_id == id,
            None => letter.attempts > 0 && letter.state != WebhookState::Delivered,
        };
        let again = |letter: &Letter| wanted(letter) && letter.state != WebhookState::Sending;
        let ids: Vec<u64> =
            self.letters.iter().filter(|(_, letter)| again(letter)).map(|(id, _)| *id).collect();
        let count = ids.len();
        ids.into_iter().for_each(|id| self.due_at(id, now));
        count
    }

    fn due_at(&mut self, id: u64, at: DateTime<Utc>) {
        self.unlist(id);
        if let Some(letter) = self.letters.get_mut(&id) {
            (letter.state, letter.held, letter.next_at) = (WebhookState::Waiting, None, Some(at));
        }
        self.list(id);
    }

    /// Takes a webhook out of the lists that its state has put it in.
    fn unlist(&mut self, id: u64) {
        if let Some(at) = self.letters.get(&id).and_then(|letter| letter.next_at) {
            self.schedule.remove(&(at, id));
        }
        self.held.remove(&id);
        self.sending.remove(&id);
    }

    /// Puts a webhook into the list of its state.
    fn list(&mut self, id: u64) {
        let Some(letter) = self.letters.get(&id) else { return };
        match (letter.state, letter.next_at) {
            (WebhookState::Waiting, Some(at)) => self.schedule.insert((at, id)),
            (WebhookState::HeldBack, _) => self.held.insert(id),
            (WebhookState::Sending, _) => self.sending.insert(id),
            _ => false,
        };
    }

    /// How many are being sent or are to be sent now.
    pub(crate) fn due(&self, now: DateTime<Utc>) -> usize {
        self.sending.len() + self.schedule.iter().take_while(|(at, _)| *at <= now).count()
    }

    /// Whether any waits for its time.
    pub(crate) fn waits(&self) -> bool {
        !self.schedule.is_empty()
    }

    /// Whether each of these was sent at least once, or never will be.
    pub(crate) fn tried(&self, ids: &[u64]) -> bool {
        let tried = |letter: &Letter| letter.attempts > 0 || letter.finished();
        ids.iter().all(|id| self.letters.get(id).is_none_or(tried))
    }

    /// How many stand how.
    pub(crate) fn counts(&self, now: DateTime<Utc>) -> WebhookCounts {
        let due = self.due(now);
        let mut counts = WebhookCounts { due, ..WebhookCounts::default() };
        counts.later = self.schedule.len() + self.sending.len() - due;
        for letter in self.letters.values() {
            match letter.state {
                WebhookState::HeldBack => counts.held_back += 1,
                WebhookState::Delivered => counts.delivered += 1,
                WebhookState::Failed => counts.failed += 1,
                WebhookState::Dropped => counts.dropped += 1,
                WebhookState::Waiting | WebhookState::Sending => {}
            }
        }
        counts
    }

    /// The log, oldest first: of one order, or of all.
    pub(crate) fn log(&self, order_id: Option<&str>) -> Vec<Webhook> {
        let about = |letter: &&Letter| order_id.is_none_or(|id| letter.order_id.as_deref() == Some(id));
        self.letters.values().filter(about).map(Letter::shown).collect()
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;

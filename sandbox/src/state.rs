//! What a running sandbox holds: its settings, and everything that changes behind one lock.

use std::{
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};

use crate::{
    api::idempotency::Store,
    books::Books,
    clock::Clock,
    faults::Faults,
    requests::Requests,
    webhooks::{Caused, Webhooks},
};

/// How to start a sandbox.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// The shop's secret key.
    pub secret_key: String,
    /// The shop's client key; used as a secret key it is refused by its own code.
    pub client_key: String,
    /// The time in the sandbox.
    pub clock: Clock,
    /// Whether a second cancel of a payment within a second is refused, as an old guide of Toss says.
    pub consecutive_cancel_limit: bool,
    /// Whether a second payment of an order that is paid is refused, as at Toss, where order ids are unique. Without
    /// it a shop can be charged twice for one order, and shows how it makes up for that.
    pub one_approval_per_order: bool,
    /// Whether a payment key that nobody has seen counts as authenticated for whatever is confirmed with it. Load
    /// drivers ask for it: their buyers open no window. Without webhooks and faults nothing else delays an answer, and
    /// the books forget the oldest payments in any case.
    pub any_key: bool,
    /// Where webhooks go; nowhere when absent. It can be set later too.
    pub webhook_url: Option<String>,
    /// How long the shop has to answer a webhook, in real time. Toss gives ten seconds.
    pub webhook_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            secret_key: "test_gsk_sandbox00000000000000000".to_owned(),
            client_key: "test_gck_sandbox00000000000000000".to_owned(),
            clock: Clock::system(),
            consecutive_cancel_limit: true,
            one_approval_per_order: true,
            any_key: false,
            webhook_url: None,
            webhook_timeout: Duration::from_secs(10),
        }
    }
}

/// What changes while the sandbox runs.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) books: Books,
    pub(crate) store: Store,
    pub(crate) faults: Faults,
    pub(crate) requests: Requests,
    pub(crate) webhooks: Webhooks,
    /// Whether answers carry fields and values that no client can know.
    pub(crate) unknown_fields: bool,
}

/// A sandbox, as every call sees it.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    /// The sandbox's own address, for links in answers.
    pub(crate) url: String,
    state: Mutex<State>,
}

impl Shared {
    pub(crate) fn new(options: Options, url: String) -> Self {
        let mut state = State::default();
        state.books.several_approvals = !options.one_approval_per_order;
        state.books.any_key = options.any_key;
        state.webhooks.url.clone_from(&options.webhook_url);
        Self { options, url, state: Mutex::new(state) }
    }

    /// Takes the lock, which is never held across an await. A panic elsewhere does not end the sandbox.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets something happen that no call of the API has asked for, and tells the shop what changed by it.
    pub(crate) fn change<T>(&self, event: impl FnOnce(&mut State, DateTime<Utc>) -> T) -> T {
        let mut state = self.state();
        // What time has changed by itself comes first.
        self.announce(&mut state, false);
        let told = event(&mut state, self.options.clock.now());
        self.announce(&mut state, false);
        told
    }

    /// Queues a webhook for all that has changed. `by_call` says whether a call of the API has changed it, which
    /// then deals with what was caused.
    pub(crate) fn announce(&self, state: &mut State, by_call: bool) -> Caused {
        state.books.pass(self.options.clock.now());
        let mut all = Caused::default();
        for change in std::mem::take(&mut state.books.changes) {
            let caused = state.webhooks.tell(&change, &self.url, state.unknown_fields, by_call);
            all.before.extend(caused.before);
            all.after.extend(caused.after);
        }
        all
    }
}

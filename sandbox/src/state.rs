//! What a running sandbox holds: its settings, and everything that changes behind one lock.

use std::{
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{api::idempotency::Store, books::Books, clock::Clock, faults::Faults, requests::Requests};

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
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            secret_key: "test_sk_sandbox000000000000000000".to_owned(),
            client_key: "test_ck_sandbox000000000000000000".to_owned(),
            clock: Clock::system(),
            consecutive_cancel_limit: true,
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
        Self { options, url, state: Mutex::default() }
    }

    /// Takes the lock, which is never held across an await. A panic elsewhere does not end the sandbox.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

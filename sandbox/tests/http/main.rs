//! The sandbox over real HTTP: every rule that a shop can see from outside.
#![expect(clippy::unwrap_used, reason = "these are tests: a failed unwrap is a failed test")]

mod cancel;
mod confirm;
mod control;
mod faults;
mod forward;
mod idempotency;
mod keys;
mod life;
mod lookup;
mod means;
mod pages;
mod process;
mod receiver;
mod support;
mod transactions;
mod webhook_faults;
mod webhooks;
mod window;

//! Approvals that cannot be honoured: a second one for an order that is paid, or one that buys time beyond the limit.
//! Toss cancels nothing by itself, so the whole of it is cancelled here, under a key of its own.

mod begin;
mod reopen;
mod settle;

pub(crate) use begin::{begin, displaced};
pub(crate) use reopen::reopen;
pub(crate) use settle::OpenCompensations;
pub use settle::settle_due;

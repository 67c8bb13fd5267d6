//! Refunds: reserved before Toss is asked, finished by the same truth that finishes payments.

pub mod api;
mod cancels;
mod list;
mod request;
mod settle;
mod window;

pub use cancels::{apply_cancels, nothing_to_give_back};
pub(crate) use list::pending_of;
pub use list::{RefundFilter, list};
pub use request::{Refunded, RequestError, RequestRefund, request, standing};
pub(crate) use settle::OpenRefunds;
pub use settle::settle_due;
pub(crate) use window::is_open as window_is_open;

/// What stands in the place of a reason whose user has been erased.
pub(crate) const ERASED_REASON: &str = "(erased)";

//! Subscriptions: one per user, made of the periods that paid orders append and refunds take back.

pub mod api;
pub mod calendar;
mod expire;
mod kept;
mod list;
mod periods;
mod preview;
mod read;
mod reopen;
pub mod schedule;
pub mod state;
mod together;
mod told;

pub(crate) use expire::expire;
pub use list::{Listed, SubscriptionFilter, list};
pub use periods::{PeriodError, revoke};
pub(crate) use periods::{append, extendable};
pub use preview::{Offer, preview_purchase, preview_refund};
pub(crate) use read::Held;
pub use read::{Subscribed, of_user};
pub(crate) use reopen::reopen;
pub use together::Together;
pub use told::Told;

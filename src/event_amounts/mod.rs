//! The event total: entries that are only ever added, so that it is exact without a row that everybody locks.

pub mod api;
mod close;
mod enter;
mod list;
mod shared;

pub(crate) use close::{close, correct};
pub(crate) use enter::add;
pub use enter::enter;
pub use list::{list, total};
pub use shared::SharedTotal;

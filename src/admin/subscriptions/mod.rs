//! Subscriptions at the dashboard.

mod detail;
mod list;

pub(super) use detail::page;
pub(super) use list::index;

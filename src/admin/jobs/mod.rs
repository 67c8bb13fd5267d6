//! Jobs at the dashboard: how each stands, its runs, and running it now.

mod list;
mod run;
mod runs;
mod words;

pub(super) use list::index;
pub(super) use run::{back, now};
pub(super) use runs::history;

//! Jobs at the dashboard: how each stands, its runs, and running it now.

mod list;
mod run;
mod runs;
mod words;

pub(super) use list::list;
pub(super) use run::{back, run};
pub(super) use runs::runs;

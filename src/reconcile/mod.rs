//! Reconcile: Toss's list of transactions and our books, compared both ways, row by row. The list is only a hint: what
//! seems to differ is read again from Toss, which repairs what can be repaired, and the rest is reported.

mod again;
mod books;
mod compare;
mod examine;
mod keep;
mod nightly;
mod pages;
mod report;
mod run;
mod sides;
mod window;

pub(crate) use nightly::nightly;
pub use report::{Difference, Outcome, Report};
pub use run::{Options, Progress, reconcile};
pub use window::{Window, WindowError};

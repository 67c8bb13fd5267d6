//! Exports: whole lists as CSV, streamed a batch at a time, so that neither memory nor a transaction grows with them.
//!
//! A batch is one short query that begins where the one before ended, newest first. So each row is told as it stood when its
//! batch was read, and rows that are written meanwhile are not in it. Without a state wanted, it has every row that was there
//! when it began; with one, a row whose state changes meanwhile is in it or not.
//!
//! The text is UTF-8 with a byte-order mark, which Excel wants, in the form of RFC 4180. Times are RFC 3339 in UTC, money is
//! whole won. Secrets are in no column, and neither are accounts of buyers.

/// Exports that a process sends at once: each keeps a connection busy for as long as its reader is fast.
pub const MOST_AT_ONCE: usize = 2;

mod payments;
mod refunds;
mod rows;
mod subscriptions;

pub use payments::payments;
pub use refunds::refunds;
pub use rows::{Csv, ExportError};
pub use subscriptions::subscriptions;

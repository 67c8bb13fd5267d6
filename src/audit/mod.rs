//! The audit log: who did what to which record, from where, written with the act itself and never changed.

mod actor;
pub mod api;
mod list;
mod write;

pub use actor::Actor;
pub use list::{AuditFilter, list};
pub use write::{Act, Action, record, write};

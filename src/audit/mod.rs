//! The audit log: who did what to which record, from where, written with the act itself and never changed.

mod actor;
mod write;

pub use actor::Actor;
pub use write::{Act, Action, write};

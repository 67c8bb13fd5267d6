//! What the books hold about one user: given out as a whole, and taken out where the law does not want it kept.

mod erase;
mod export;
mod rows;

pub use erase::{EraseError, Erased, erase};
pub use export::{ExportError, export};

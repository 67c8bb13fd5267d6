//! What needs a person: read from the books, the most urgent kind first, with why and what to do.

pub mod api;
mod item;
mod list;
mod parts;
mod words;

pub use item::Item;
pub use list::list;
pub use parts::Part;
pub use words::Kind;

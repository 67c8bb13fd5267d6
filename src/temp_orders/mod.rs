//! Temp orders (가주문): quotes that the payment window is opened with. Only they say what a payment costs.

pub mod api;
mod create;
mod find;
mod purge;

pub use create::{CreateError, create};
pub use find::{Quoted, find};
pub use purge::purge;

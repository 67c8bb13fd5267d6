//! Plans: what can be bought, made and changed by admins.

pub mod api;
mod change;
mod create;
mod list;

pub use change::{ChangeError, ChangePlan, change};
pub use create::{CreateError, NewPlan, Sells, create};
pub use list::{find, find_many, list};

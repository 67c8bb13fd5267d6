//! API keys beyond the two configured ones: made once, shown by their first characters, looked up by digest, revoked
//! within seconds everywhere.

mod create;
mod list;
mod lookup;
mod revoke;
mod text;
mod used;

pub use create::{CreateError, Created, NewKey, create};
pub use list::{Standing, list, role};
pub use lookup::{Known, Lookup};
pub use revoke::{RevokeError, revoke};
pub use text::looks_like_a_key;

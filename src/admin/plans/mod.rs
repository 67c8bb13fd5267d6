//! Plans at the dashboard: listed, made and changed, by the rules of the API.

mod form;
mod list;
mod save;

pub(super) use form::{edit, fresh};
pub(super) use list::index;
pub(super) use save::{change, create};

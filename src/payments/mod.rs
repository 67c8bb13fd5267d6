//! Payments: claimed before Toss is asked, moved by what Toss says, asked about until the truth is known.
//!
//! [`confirm`](confirm()) claims, asks and records. [`apply`](apply::apply) is the one place where what Toss says
//! becomes state: confirm, refunds and the settle job all go through it.

pub mod api;
pub mod apply;
mod ask;
mod confirm;
mod fail;
mod forget;
mod ladder;
mod list;
pub(crate) mod moves;
mod receipt;
pub(crate) mod record;
mod reread;
mod settle;
mod settle_now;
mod view;

pub use confirm::{Confirm, ConfirmError, Confirmed, confirm, confirm_within, standing};
pub use fail::{Fail, FailError, fail};
pub(crate) use forget::forget;
pub use ladder::next_delay;
pub use list::{PaymentFilter, find, find_by_key, list};
pub use receipt::Receipt;
pub use reread::{Reread, reread, reread_key, reread_quietly};
pub use settle::settle_due;
pub use settle_now::{SettleNowError, settle_now};
pub use view::PaymentView;

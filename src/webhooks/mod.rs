//! Toss's webhooks: unsigned, repeated, late and out of order. Each is stored before it is answered, and only makes us
//! read the payment again.

pub mod api;
mod envelope;
mod limit;
mod purge;
mod receive;
mod work;

pub(crate) use envelope::Envelope;
pub use limit::Limit;
pub use purge::purge;
pub use receive::{Arrived, ReceiveError, Received, receive};
pub use work::work_off;

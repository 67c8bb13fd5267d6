//! What we know of Toss Payments: its calls, its answers, its codes. It knows nothing of our books.

mod answer;
mod calls;
mod client;
mod codes;
mod gate;
mod institutions;
mod keys;
mod payment;
mod transactions;

pub use answer::{Answer, Failure, Kept};
pub use calls::Calls;
pub use client::{Cancel, Client, ClientError, Confirm, ReceiveAccount};
pub use codes::{Class, Operation, classify};
pub use gate::{Admission, Refused, Standing};
pub use institutions::{bank, banks, card_issuer, easy_pay};
pub use payment::{CancelEntry, Payment, Status, VirtualAccount};
pub use transactions::{Transaction, TransactionsQuery};

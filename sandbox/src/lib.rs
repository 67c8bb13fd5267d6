//! A local Toss Payments, good enough to be believed: for developing and testing against.
//!
//! It is an independent reading of Toss's documentation. It shares no code with any client, so that it
//! catches a client's mistakes instead of repeating them.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, Options, Sandbox};
//!
//! let toss = Sandbox::start(Options::default()).await?;
//! let buyer = toss.authenticate(Authenticate::new("order-0001", 9_900));
//! toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
//! // ... let the shop confirm `buyer` at `toss.url()`, and see whether it finds out what happened ...
//! assert_eq!(toss.ledger().len(), 1);
//! // What Toss tells by itself: await it instead of sleeping.
//! toss.set_webhook_url(Some("http://127.0.0.1:8080/webhooks".into())).expect("a URL");
//! toss.console_cancel(&buyer.expect("authenticated").payment_key, None, "by staff").expect("canceled");
//! toss.webhooks_idle().await;
//! # Ok(()) }
//! ```
//!
//! In reading order: `http` takes a request to `api` (Toss's calls) or `control` (what buyers, banks,
//! staff and bad luck do) or `pages` (the same for people with a browser); all work on `books`, which hold each `payment` and its `means`; what changes
//! there, `webhooks` tell the shop.

mod server;
mod state;

mod api;
mod control;
mod http;
mod pages;
mod socket;

mod books;
mod means;
mod payment;

mod clock;
mod codes;
mod dice;
mod faults;
mod ids;
mod refusal;
mod requests;
mod sprinkle;

mod webhooks;

pub use books::{
    journal::{LedgerEntry, LedgerKind},
    open::{Authenticate, Authenticated, CardInput},
};
pub use clock::Clock;
pub use faults::{Chaos, Fault, FaultKind, Operation};
pub use means::PayMethod;
pub use payment::Status;
pub use refusal::Refusal;
pub use requests::Received;
pub use server::Sandbox;
pub use state::Options;
pub use webhooks::{
    faults::{WebhookChaos, WebhookFault, WebhookFaultKind},
    letter::{Webhook, WebhookState},
    queue::WebhookCounts,
};

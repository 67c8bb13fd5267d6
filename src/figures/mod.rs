//! Figures for the dashboard: what came in, who stays, what fails. They only read, by statements that an index answers
//! (the event total alone sums all of its entries), with one row per day, plan, method or code, never one per payment.

mod days;
mod events;
mod open;
mod outcomes;
mod overview;
mod revenue;
mod shared;
mod subscriptions;

pub use days::{Days, DaysError};
pub use events::{EventDay, EventFigures};
pub use open::OpenFigures;
pub use outcomes::{Decline, MethodOutcome, OutcomeFigures, Stage};
pub use overview::{Overview, WITHIN, overview, statements};
pub use revenue::{Revenue, RevenueDay, RevenueFigures};
pub use shared::{Shared, SharedError};
pub use subscriptions::{Flow, FlowDay, PlanFigures, SubscriptionFigures};

//! The hosted checkout: an order's page, which always shows the truth, and the two places that Toss sends buyers to.
//!
//! `/checkout/{orderId}` opens with a signed link alone and shows how the order stands: to be paid, being confirmed,
//! waiting for a deposit, paid, or over. `/checkout/success` confirms and sends the browser there; `/checkout/fail`
//! writes down why not. So a reload, the back button or a second tab can only look, never charge.

use poem::{Route, get};

mod fail;
mod link;
mod order;
mod refusal;
mod returns;
mod standing;
mod state;
mod success;
mod visit;

pub use link::page_url;
pub(crate) use returns::keep;
pub use returns::{ReturnUrls, purge, return_urls};

/// The pages, below `/checkout`.
pub(crate) fn routes() -> Route {
    Route::new()
        .at("/success", get(success::success).head(visit::not_by_head))
        .at("/fail", get(fail::fail).head(visit::not_by_head))
        .at("/:orderId", get(order::order))
        .at("/:orderId/state", get(state::state))
}

//! The dashboard for operators: pages that show what the books say, and forms that call what the API calls.
//!
//! Whoever has an admin key signs in and gets a session that is bound to it (`session`). Every page takes a `desk::Desk`, which only a
//! signed-in browser has; whatever changes anything takes a `desk::Posted`, which only our own forms make.

use std::sync::Arc;

use poem::{EndpointExt, Route, get};

mod attention;
mod audit;
mod busy;
mod desk;
mod events;
mod exports;
mod form;
mod jobs;
mod overview;
mod payments;
mod plans;
mod refunds;
mod session;
mod subscriptions;
mod view;

/// The pages, below `/admin`.
pub fn routes() -> Route {
    let sign_ins = Arc::new(session::SignIns::default());
    Route::new()
        .at("/", get(overview::overview))
        .at("/sign-in", get(session::sign_in_form).post(session::sign_in).data(sign_ins))
        .at("/sign-out", get(session::stay).post(session::sign_out))
        .at("/attention", get(attention::list))
        .at("/payments", get(payments::index))
        .at("/payments/:order_id", get(payments::page))
        .at("/payments/:order_id/settle", get(payments::back).post(payments::ask))
        .at("/payments/:order_id/refund", get(refunds::wanted).post(refunds::posted))
        .at("/payments/:order_id/refund/:key", get(refunds::followed))
        .at("/refunds/:id", get(refunds::ended))
        .at("/subscriptions", get(subscriptions::index))
        .at("/subscriptions/:user_id", get(subscriptions::page))
        .at("/plans", get(plans::index).post(plans::create))
        .at("/plans/new", get(plans::fresh))
        .at("/plans/:id", get(plans::edit).post(plans::change))
        .at("/event-amounts", get(events::list))
        .at("/jobs", get(jobs::index))
        .at("/jobs/:name", get(jobs::history))
        .at("/jobs/:name/run", get(jobs::back).post(jobs::now))
        .at("/audit", get(audit::list))
        .at("/exports", get(exports::form))
        .at("/exports/:what", get(exports::download))
}

//! The way in: all routes in one place, and what is around every request.

use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Request, Response, Route, get};
use poem_openapi::{OpenApiService, Tags};

use crate::app::App;
use crate::{
    attention, audit, event_amounts, jobs, payments, plans, refunds, subscriptions, temp_orders, webhooks,
};

pub mod body;
pub mod code;
mod docs;
mod document;
pub mod error;
pub mod fields;
mod headers;
mod health;
pub mod idempotency;
pub mod language;
mod locks;
mod metrics;
pub mod nullable;
pub(crate) mod origin;
mod overload;
pub mod page;
mod paths;
pub(crate) mod problems;
mod rates;
mod server;
mod shares;
pub mod time;

pub use server::{Running, start};

/// The groups of the API's documentation.
#[derive(Tags)]
pub enum Tag {
    /// What can be bought.
    Plans,
    /// Quotes, made before the payment window opens.
    TempOrders,
    /// Purchases and what became of their money.
    Payments,
    /// Money given back.
    Refunds,
    /// Who is subscribed to what, by the clock.
    Subscriptions,
    /// The event total and its entries.
    EventAmounts,
    /// Work that runs by schedule, and by hand.
    Jobs,
    /// What Toss calls us about.
    Webhooks,
    /// What needs a person.
    Admin,
}

type Apis = (
    plans::api::PlansApi,
    temp_orders::api::TempOrdersApi,
    payments::api::PaymentsApi,
    refunds::api::RefundsApi,
    subscriptions::api::SubscriptionsApi,
    event_amounts::api::EventAmountsApi,
    jobs::api::JobsApi,
    webhooks::api::WebhooksApi,
    attention::api::AttentionApi,
    audit::api::AuditApi,
);

/// The API with its documentation.
pub fn service() -> OpenApiService<Apis, ()> {
    OpenApiService::new(Apis::default(), "gudok", env!("CARGO_PKG_VERSION")).description(DESCRIPTION)
}

/// The OpenAPI document, as JSON with a line break at the end.
pub fn openapi() -> String {
    let spec = service().spec();
    // The types make a valid document, and what is made of it can be written.
    let document = serde_json::from_str(&spec).map(document::complete);
    let mut document = document.and_then(|it| serde_json::to_string_pretty(&it)).unwrap_or(spec);
    document.push('\n');
    document
}

/// Every route, wrapped in what all requests share.
pub fn routes(app: App) -> impl Endpoint<Output = Response> {
    let service = service();
    let overload = overload::Overload::new(app.config.server.max_in_flight);
    let document = openapi();
    let paths = Arc::new(paths::Paths::of(&document));
    let rates = rates::Rates::new(app.config.rates);
    let headers = headers::Headers { app: app.clone(), paths: Arc::clone(&paths) };
    let spec = poem::endpoint::make_sync(move |_| {
        Response::builder().content_type("application/json").body(document.clone())
    });
    let pages = Route::new()
        .at("/healthz", get(health::healthz))
        .at("/readyz", get(health::readyz))
        .at("/metrics", get(metrics::metrics))
        .at("/openapi.json", get(spec))
        .at("/docs", get(docs::docs))
        .at("/docs/", get(docs::docs))
        .nest("/checkout", crate::checkout::routes())
        .at("/favicon.ico", get(crate::pages::assets::icon))
        .at("/assets/:name", get(crate::pages::assets::asset))
        .nest("/admin", crate::admin::routes());
    ApiFirst { api: service.into_endpoint(), pages }
        .data(app.clone())
        .with(idempotency::Keys::new(app.clone(), Arc::clone(&paths)))
        .with(locks::Locks { app: app.clone(), paths: Arc::clone(&paths) })
        .with(problems::Problems { app, paths, overload, rates })
        .with(headers)
        .into_endpoint()
}

/// What every path of the API begins with.
const API: &str = "/v1/";

/// The API, which has nearly all requests, beside all else: one look at the path in place of another table of routes.
struct ApiFirst {
    api: BoxEndpoint<'static>,
    pages: Route,
}

impl Endpoint for ApiFirst {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if request.uri().path().starts_with(API) {
            self.api.call(request).await
        } else {
            self.pages.call(request).await
        }
    }
}

const DESCRIPTION: &str = "\
Subscription billing over Toss Payments.

**A purchase**: `POST /v1/temp-orders` quotes an order; the payment window is opened with its `orderId`, `orderName`,
`totalAmount` and `customerKey`; its success URL brings a `paymentKey`, which `POST /v1/payments/confirm` charges.
`GET /v1/users/{userId}/subscription` tells what the user may use.

**Credentials**: press *Authorize* and give an API key (role `service` or `admin`; `gudok api-key create` makes more) or a
user's JWT (role `user`, whose `sub` is the `userId`; HS256, or RS256, ES256 or EdDSA by a published key).

**Money** is whole won. **Time** is RFC 3339 in UTC; months are counted in `billing.timezone`.
**Lists** take `limit` (1 to 100, default 20) and `cursor`, newest first.
**Sending again**: every POST takes an `Idempotency-Key`; for 24 hours, the same request with the same key is done once
and answered as it was first, with `Idempotency-Replayed: true`.
**Errors** are `application/problem+json` with a stable `code`; `detail` is Korean, or English by `Accept-Language`.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_the_document_is_the_apis() {
        let document: serde_json::Value = serde_json::from_str(&openapi()).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        assert!(!paths.is_empty());
        for path in paths.keys() {
            assert!(path.starts_with(API), "{path}");
        }
    }
}

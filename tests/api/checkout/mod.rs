//! Scenarios about the hosted checkout.

mod link;
mod pages;
mod paid;
mod returns;
mod unpaid;

use serde_json::{Value, json};

use crate::support::client::{Reply, send};
use crate::support::scenario::Scenario;
use crate::support::world::{Order, World};

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [link::scenarios(), pages::scenarios(), paid::scenarios(), returns::scenarios(), unpaid::scenarios()]
        .into_iter()
        .flatten()
        .collect()
}

/// An order and the link to its page.
pub(crate) struct Page {
    pub(crate) order: Order,
    /// The whole link.
    pub(crate) url: String,
}

impl Page {
    /// Quotes `plan_id` for `user`.
    pub(crate) async fn of(world: &World, user: &str, plan_id: &str) -> Self {
        Self::quoted(world, json!({"planId": plan_id, "userId": user})).await
    }

    /// Quotes what `body` asks for.
    pub(crate) async fn quoted(world: &World, body: Value) -> Self {
        let reply = world.service().post("/v1/temp-orders", body).await;
        let body = reply.expect(201);
        let order_id = body["orderId"].as_str().expect("an order id").to_owned();
        let amount = body["totalAmount"].as_i64().expect("an amount");
        let url = body["checkoutUrl"].as_str().expect("a link").to_owned();
        Self { order: Order { order_id, amount }, url }
    }

    /// The token in the link.
    pub(crate) fn token(&self) -> &str {
        self.url.rsplit_once("token=").expect("a token").1
    }

    /// What Toss makes of the success URL for `payment_key` and `amount`.
    pub(crate) fn success(&self, world: &World, payment_key: &str, amount: i64) -> String {
        let (base, token, order_id) = (&world.base, self.token(), &self.order.order_id);
        format!(
            "{base}/checkout/success?token={token}&paymentType=NORMAL&orderId={order_id}&paymentKey={payment_key}&amount={amount}"
        )
    }

    /// What Toss makes of the fail URL.
    pub(crate) fn fail(&self, world: &World, rest: &str) -> String {
        let (base, token, order_id) = (&world.base, self.token(), &self.order.order_id);
        format!("{base}/checkout/fail?order={order_id}&token={token}&{rest}")
    }

    /// The order's page now.
    pub(crate) async fn look(&self) -> Reply {
        visit(&self.url).await
    }

    /// How the order stands, as a waiting page asks it.
    pub(crate) async fn state(&self, world: &World) -> Value {
        let url = format!("{}/checkout/{}/state?token={}", world.base, self.order.order_id, self.token());
        visit(&url).await.expect(200).clone()
    }

    /// The buyer authenticates with a card that works and comes back; gives what the browser is told.
    pub(crate) async fn pay(&self, world: &World) -> Reply {
        let payment_key = world.authenticate(&self.order);
        visit(&self.success(world, &payment_key, self.order.amount)).await
    }
}

/// Opens `url` as a browser does, but goes nowhere by itself.
pub(crate) async fn visit(url: &str) -> Reply {
    visit_in(url, "ko").await
}

/// Opens `url` with this `Accept-Language`.
pub(crate) async fn visit_in(url: &str, language: &str) -> Reply {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    let request = client.expect("a client").get(url);
    send(request.header("accept", "text/html").header("accept-language", language)).await
}

/// Asserts that the browser is sent to the order's page, without what Toss brought.
#[track_caller]
pub(crate) fn assert_sent_to(reply: &Reply, page: &Page) {
    assert_eq!(reply.status, 303, "{}", reply.text);
    assert!(page.url.ends_with(reply.header("location")), "{}", reply.header("location"));
}

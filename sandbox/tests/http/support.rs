//! A shop that talks to a sandbox of its own, and shorthand for what it says and hears.

use std::time::Duration;

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use toss_sandbox::{Authenticate, Options, PayMethod, Sandbox};

/// A sandbox and its only client.
pub(crate) struct Shop {
    pub(crate) toss: Sandbox,
    http: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The status and, where there is one, the code or the payment's status.
    pub(crate) fn told(&self) -> (u16, String) {
        let body = self.json();
        let word = body["code"].as_str().or_else(|| body["status"].as_str()).unwrap_or_default();
        (self.status, word.to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

/// What `Told::told` gives.
pub(crate) fn said(status: u16, word: &str) -> (u16, String) {
    (status, word.to_owned())
}

impl Shop {
    /// A sandbox without the one-second rule, which only its own test needs.
    pub(crate) async fn open() -> Self {
        Self::open_with(Options { consecutive_cancel_limit: false, ..Options::default() }).await
    }

    pub(crate) async fn open_with(options: Options) -> Self {
        // Only the first of the tests in this process installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            toss: Sandbox::start(options).await.unwrap(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// A request without any key.
    pub(crate) fn bare(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.toss.url()))
    }

    /// A request with the shop's secret key.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.bare(method, path).basic_auth(self.toss.secret_key(), Some(""))
    }

    pub(crate) async fn get(&self, path: &str) -> Told {
        send(self.request(Method::GET, path)).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Told {
        send(self.request(Method::POST, path).body(body.to_string())).await.unwrap()
    }

    /// A POST under an idempotency key.
    pub(crate) fn keyed(&self, path: &str, key: &str, body: &Value) -> reqwest::RequestBuilder {
        self.request(Method::POST, path).header("Idempotency-Key", key).body(body.to_string())
    }

    /// A control call.
    pub(crate) async fn control(&self, method: Method, path: &str, body: &str) -> Told {
        send(self.bare(method, &format!("/sandbox/{path}")).body(body.to_owned())).await.unwrap()
    }

    /// A buyer authenticates; the answer is the confirm that the shop would send.
    pub(crate) fn buyer(&self, order_id: &str, amount: i64) -> Value {
        self.customer(Authenticate::new(order_id, amount))
    }

    pub(crate) fn customer(&self, buyer: Authenticate) -> Value {
        let opened = self.toss.authenticate(buyer).unwrap();
        json!({"paymentKey": opened.payment_key, "orderId": opened.order_id, "amount": opened.amount})
    }

    pub(crate) async fn confirm(&self, body: &Value) -> Told {
        self.post(CONFIRM, body).await
    }

    /// A buyer authenticates and the shop confirms; the answer is the path of the payment.
    pub(crate) async fn sell(&self, order_id: &str, amount: i64) -> String {
        let body = self.buyer(order_id, amount);
        assert_eq!(self.confirm(&body).await.told(), said(200, "DONE"));
        path(&body)
    }

    /// A virtual account is issued; the answer is the payment.
    pub(crate) async fn issue(&self, order_id: &str, amount: i64) -> Value {
        let buyer = Authenticate::new(order_id, amount).method(PayMethod::VirtualAccount);
        let told = self.confirm(&self.customer(buyer)).await;
        assert_eq!(told.told(), said(200, "WAITING_FOR_DEPOSIT"));
        told.json()
    }

    pub(crate) async fn cancel(&self, path: &str, mut more: Value) -> Told {
        more["cancelReason"] = "변심".into();
        self.post(&format!("{path}/cancel"), &more).await
    }
}

pub(crate) const CONFIRM: &str = "/v1/payments/confirm";

/// The path of the payment that a confirm is about.
pub(crate) fn path(confirm: &Value) -> String {
    format!("/v1/payments/{}", confirm["paymentKey"].as_str().unwrap())
}

/// Sends a request; an error means that there was no HTTP answer.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> Result<Told, reqwest::Error> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Told { status, headers, text: response.text().await? })
}

/// Waits until a condition holds; gives up after a time that no healthy machine needs.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap();
}

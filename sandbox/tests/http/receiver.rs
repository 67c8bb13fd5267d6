//! The shop's end of the webhooks: it takes them, writes them down, and answers as it is told to.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::DateTime;
use poem::{
    Endpoint, Request, Response, Server, endpoint, http::HeaderMap, http::StatusCode, listener::Acceptor,
};
use serde_json::Value;
use tokio::sync::watch;
use toss_sandbox::{Options, Sandbox};

use crate::support::Shop;

/// A webhook, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Came {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(format!("tosspayments-webhook-{name}")).unwrap().to_str().unwrap()
    }

    /// Event and status: what tells webhooks apart at a glance.
    pub(crate) fn told(&self) -> String {
        let body = self.json();
        let status = |body: &Value| body["status"].as_str().unwrap_or("-").to_owned();
        match body["eventType"].as_str() {
            Some("PAYMENT_STATUS_CHANGED") => format!("payment {}", status(&body["data"])),
            Some(other) => other.to_owned(),
            None => format!("deposit {}", status(&body)),
        }
    }
}

#[derive(Debug, Default)]
struct Inner {
    came: Mutex<Vec<Came>>,
    answers: Mutex<Answers>,
    open: watch::Sender<bool>,
}

#[derive(Debug, Clone, Copy)]
struct Answers {
    status: u16,
}

impl Default for Answers {
    fn default() -> Self {
        Self { status: 200 }
    }
}

/// A server that takes webhooks. It ends with its runtime.
#[derive(Debug)]
pub(crate) struct Receiver {
    inner: Arc<Inner>,
    pub(crate) url: String,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let inner = Arc::new(Inner { open: watch::Sender::new(true), ..Inner::default() });
        let acceptor =
            poem::listener::Listener::into_acceptor(poem::listener::TcpListener::bind("127.0.0.1:0"));
        let acceptor = acceptor.await.unwrap();
        let address = acceptor.local_addr()[0].as_socket_addr().copied().unwrap();
        tokio::spawn(Server::new_with_acceptor(acceptor).run(serve(Arc::clone(&inner))));
        Self { inner, url: format!("http://{address}/hooks/toss") }
    }

    /// From now on it answers with this status.
    pub(crate) fn answers(&self, status: u16) {
        self.inner.answers.lock().unwrap().status = status;
    }

    /// Whether it answers at all; while it does not, webhooks that come stand waiting.
    pub(crate) fn open(&self, open: bool) {
        self.inner.open.send_replace(open);
    }

    /// Everything that came, in order.
    pub(crate) fn came(&self) -> Vec<Came> {
        self.inner.came.lock().unwrap().clone()
    }

    /// Everything that came, at a glance.
    pub(crate) fn told(&self) -> Vec<String> {
        self.came().iter().map(Came::told).collect()
    }
}

fn serve(inner: Arc<Inner>) -> impl Endpoint + 'static {
    endpoint::make(move |mut request: Request| {
        let inner = Arc::clone(&inner);
        async move {
            let headers = request.headers().clone();
            let text = request.take_body().into_string().await?;
            inner.came.lock().unwrap().push(Came { headers, text });
            let _ = inner.open.subscribe().wait_for(|open| *open).await;
            let status = inner.answers.lock().unwrap().status;
            Ok::<_, poem::Error>(Response::builder().status(StatusCode::from_u16(status).unwrap()).finish())
        }
    })
}

/// A shop with a receiver, told from the start where that is.
pub(crate) async fn open() -> (Shop, Receiver) {
    open_with(Options::default()).await
}

pub(crate) async fn open_with(options: Options) -> (Shop, Receiver) {
    let receiver = Receiver::start().await;
    let webhook_url = Some(receiver.url.clone());
    let options = Options { webhook_url, consecutive_cancel_limit: false, ..options };
    (Shop::open_with(options).await, receiver)
}

/// Waits until no webhook is due; gives up after a time that no healthy machine needs.
pub(crate) async fn idle(toss: &Sandbox) {
    tokio::time::timeout(Duration::from_secs(60), toss.webhooks_idle()).await.unwrap();
}

/// Reads a time with an offset, or one in Korea without.
pub(crate) fn time(text: &Value) -> i64 {
    let text = text.as_str().unwrap();
    let with_offset = if text.ends_with("+09:00") { text.to_owned() } else { format!("{text}+09:00") };
    DateTime::parse_from_rfc3339(&with_offset).unwrap().timestamp()
}

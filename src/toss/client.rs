//! Calls Toss over HTTPS. It never guesses an outcome and never repeats a call by itself.

use std::fmt;
use std::time::{Duration, Instant};

use entity::{IdempotencyKey, OrderId, PaymentKey, Won};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde::{Deserialize, Serialize};
use url::Url;

use super::answer::Answer;
use super::calls::Calls;
use super::codes::Operation;
use super::gate::{Admission, Gate, Refused, Standing};
use super::keys::Keys;
use crate::clock::Clock;
use crate::config;
use crate::crash::{self, Point};
use crate::telemetry::shorten;

/// The largest answer that is read, in bytes; a Payment has a few thousand.
const MOST_BYTES: usize = 1 << 20;
/// What Toss says of a key that it does not know.
const UNAUTHORIZED_KEY: &str = "UNAUTHORIZED_KEY";

/// A way to Toss; cheap to clone, connections are kept.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    keys: Keys,
    base_url: Url,
    request_timeout: Duration,
    gate: Gate,
    most_in_flight: usize,
    calls: Calls,
}

/// A confirmation (승인) of an authenticated payment.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// Toss's key of the payment.
    pub payment_key: PaymentKey,
    /// Our order.
    pub order_id: OrderId,
    /// The price, in won.
    pub amount: Won,
}

/// A cancel (취소) of an approved payment.
#[derive(Clone, Debug)]
pub struct Cancel {
    /// Toss's key of the payment.
    pub payment_key: PaymentKey,
    /// Why, at most 200 characters.
    pub reason: String,
    /// How much, in won; none for all that is left.
    pub amount: Option<Won>,
    /// The balance that Toss must still see, in won; otherwise it does nothing.
    pub refundable_amount: Won,
    /// Where the money goes, for a virtual account that was paid.
    pub receive_account: Option<ReceiveAccount>,
}

/// A buyer's own account, to which the money of a virtual account goes back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiveAccount {
    /// Toss's code of the bank.
    pub bank: String,
    /// The number: at most 20 digits.
    pub account_number: String,
    /// Whose it is: at most 60 characters.
    pub holder_name: String,
}

/// Whose account it is, and which, is nobody's business but Toss's.
impl fmt::Debug for ReceiveAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiveAccount(…)")
    }
}

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The secret key cannot be sent in a header.
    #[error("toss.secret_key has characters that no header can carry")]
    Key,
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

impl Client {
    /// Prepares a client; nothing is sent.
    ///
    /// # Errors
    /// [`ClientError`] when the settings cannot be used.
    pub fn new(settings: &config::Toss, clock: Clock) -> Result<Self, ClientError> {
        // A second call finds the provider installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(concat!("gudok/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            .timeout(settings.request_timeout())
            .redirect(reqwest::redirect::Policy::none())
            // As many as may be needed at once: one that is thrown away is opened anew for the next purchase.
            .pool_max_idle_per_host(settings.max_in_flight)
            .tcp_nodelay(true)
            .build()?;
        let request_timeout = settings.request_timeout();
        let most_in_flight = settings.max_in_flight;
        let gate = Gate::new(most_in_flight, clock);
        let keys = Keys::new(settings.secret_key.as_ref())?;
        let (base_url, calls) = (settings.base_url.clone(), Calls::new());
        Ok(Self { http, keys, base_url, request_timeout, gate, most_in_flight, calls })
    }

    /// Leave for a new purchase or refund to go to Toss, to be had before anything is claimed for it.
    ///
    /// # Errors
    /// [`Refused`] while Toss is down or wants a pause, or too many wait on it already.
    pub fn admit(&self) -> Result<Admission, Refused> {
        self.gate.admit()
    }

    /// Whether Toss takes calls at all.
    pub fn is_listening(&self) -> bool {
        self.gate.is_listening()
    }

    /// How the gate before Toss stands.
    pub fn standing(&self) -> Standing {
        self.gate.standing(self.most_in_flight)
    }

    /// Purchases and refunds that may wait on Toss at once.
    pub fn slots(&self) -> usize {
        self.most_in_flight
    }

    /// What has been counted of calls.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// The longest time that a request of ours can be under way.
    pub fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// Asks Toss to take the money.
    pub async fn confirm(&self, confirm: &Confirm, key: &IdempotencyKey) -> Answer {
        let body = serde_json::json!({
            "paymentKey": confirm.payment_key.as_str(),
            "orderId": confirm.order_id.as_str(),
            "amount": confirm.amount.get(),
        });
        let request = self.post(&["payments", "confirm"], key, &body);
        self.send(Operation::Confirm, &shorten(confirm.payment_key.as_str()), request).await
    }

    /// Asks Toss how a payment stands.
    pub async fn look_up(&self, payment_key: &PaymentKey) -> Answer {
        let request = self.get(self.url(&["payments", payment_key.as_str()]));
        self.send(Operation::Lookup, &shorten(payment_key.as_str()), request).await
    }

    /// Asks Toss how the payment of an order stands, whichever its key: the approved one, if there is one.
    pub async fn look_up_order(&self, order_id: &OrderId) -> Answer {
        let request = self.get(self.url(&["payments", "orders", order_id.as_str()]));
        self.send(Operation::Lookup, order_id.as_str(), request).await
    }

    /// Asks Toss to give money back.
    pub async fn cancel(&self, cancel: &Cancel, key: &IdempotencyKey) -> Answer {
        let mut body = serde_json::json!({
            "cancelReason": cancel.reason,
            "refundableAmount": cancel.refundable_amount.get(),
        });
        if let Some(amount) = cancel.amount {
            body["cancelAmount"] = amount.get().into();
        }
        if let Some(account) = &cancel.receive_account {
            body["refundReceiveAccount"] = serde_json::json!(account);
        }
        let request = self.post(&["payments", cancel.payment_key.as_str(), "cancel"], key, &body);
        self.send(Operation::Cancel, &shorten(cancel.payment_key.as_str()), request).await
    }

    fn post(&self, path: &[&str], key: &IdempotencyKey, body: &serde_json::Value) -> reqwest::RequestBuilder {
        let request = self.http.post(self.url(path)).header(CONTENT_TYPE, "application/json");
        request.header("Idempotency-Key", key.as_str()).body(body.to_string())
    }

    pub(super) fn get(&self, url: Url) -> reqwest::RequestBuilder {
        self.http.get(url)
    }

    pub(super) fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base_url.clone();
        // A base that cannot have a path is refused when the settings are read: http and https always can.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        url
    }

    async fn send(&self, operation: Operation, about: &str, request: reqwest::RequestBuilder) -> Answer {
        let payment = self.call(operation, about, request, Answer::payment).await;
        payment.map_or_else(|other| other, |payment| Answer::Payment(Box::new(payment)))
    }

    /// Sends `request` and reads what a 200 carries; any other outcome is the answer that it is.
    pub(super) async fn call<T>(
        &self,
        operation: Operation,
        about: &str,
        request: reqwest::RequestBuilder,
        read: impl FnOnce(serde_json::Value) -> Result<T, Answer>,
    ) -> Result<T, Answer> {
        let began = Instant::now();
        crash::point(operation.about_to_send());
        let Heard { answer, status, trace, retry_after } = self.ask(operation, request).await;
        let answer = answer.and_then(read);
        crash::point(operation.answered());
        let other = answer.as_ref().err();
        self.calls.ended(operation, other.map_or(operation.success(), Answer::class), began.elapsed());
        // The list of transactions has limits of its own, and says nothing of purchases.
        if operation != Operation::Transactions {
            self.gate.heard(other, status, retry_after);
        }
        let cause = match other {
            Some(Answer::NotSent { cause } | Answer::Silent { cause }) => Some(cause.as_str()),
            Some(Answer::Error { failure, .. }) => Some(failure.message.as_str()),
            Some(Answer::Payment(_)) | None => None,
        };
        tracing::info!(
            operation = ?operation,
            class = other.map_or(operation.success(), Answer::class),
            code = other.and_then(Answer::code),
            status,
            cause,
            trace_id = trace.as_ref().and_then(|id| id.to_str().ok()),
            about,
            elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "toss answered"
        );
        answer
    }

    /// Sends `request` under the key that Toss took last, and under the others for as long as Toss knows none.
    ///
    /// Toss refuses an unknown key before it looks at what is asked, so nothing has happened and the very same request may
    /// go again. It keeps idempotency keys apart by API key, so it would not recognise a request that an earlier key
    /// brought; what is asked again later is held off by the payment itself: one that is confirmed is not confirmed twice
    /// (`ALREADY_PROCESSED_PAYMENT`), and every cancel names the balance that Toss must still see.
    async fn ask(&self, operation: Operation, request: reqwest::RequestBuilder) -> Heard {
        let request = match request.build() {
            Ok(request) => request,
            Err(error) => return Heard::nothing(failed(&error)),
        };
        let mut heard = Heard::nothing(Answer::NotSent { cause: "no request".to_owned() });
        for key in self.keys.in_turn() {
            // A body of text, as all of ours are, can always be sent again.
            let Some(mut attempt) = request.try_clone() else { break };
            if let Some((_, header)) = &key {
                attempt.headers_mut().insert(AUTHORIZATION, header.clone());
            }
            heard = self.exchange(operation, attempt).await;
            if key.is_none() || !heard.knows_no_such_key() {
                if let Some((index, _)) = key.filter(|_| heard.status.is_some()) {
                    self.keys.works(index);
                }
                break;
            }
        }
        heard
    }

    async fn exchange(&self, operation: Operation, request: reqwest::Request) -> Heard {
        let response = match self.http.execute(request).await {
            Ok(response) => response,
            Err(error) => return Heard::nothing(failed(&error)),
        };
        let status = response.status().as_u16();
        let trace = response.headers().get("x-tosspayments-trace-id").cloned();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|seconds| seconds.parse().ok());
        let answer = match bounded_body(response).await {
            Ok(body) => Answer::json(operation, status, &body),
            Err(cause) => Err(Answer::Silent { cause }),
        };
        Heard { answer, status: Some(status), trace, retry_after }
    }
}

/// What came back for one request.
struct Heard {
    answer: Result<serde_json::Value, Answer>,
    status: Option<u16>,
    trace: Option<HeaderValue>,
    retry_after: Option<u32>,
}

impl Heard {
    fn nothing(answer: Answer) -> Self {
        Self { answer: Err(answer), status: None, trace: None, retry_after: None }
    }

    /// Only this answer says so; every other no is about the request itself or the contract.
    fn knows_no_such_key(&self) -> bool {
        self.status == Some(401)
            && self.answer.as_ref().err().and_then(Answer::code) == Some(UNAUTHORIZED_KEY)
    }
}

impl Operation {
    fn about_to_send(self) -> Point {
        match self {
            Self::Confirm => Point::ConfirmSend,
            Self::Lookup | Self::Transactions => Point::LookUpSend,
            Self::Cancel => Point::CancelSend,
        }
    }

    fn answered(self) -> Point {
        match self {
            Self::Confirm => Point::ConfirmAnswered,
            Self::Lookup | Self::Transactions => Point::LookUpAnswered,
            Self::Cancel => Point::CancelAnswered,
        }
    }

    /// One word for log lines: what a 200 carries.
    fn success(self) -> &'static str {
        match self {
            Self::Confirm | Self::Lookup | Self::Cancel => "payment",
            Self::Transactions => "transactions",
        }
    }
}

/// A connection that was never made carried nothing; any later failure may have.
fn failed(error: &reqwest::Error) -> Answer {
    let mut cause = error.without_url_text();
    let mut inner = std::error::Error::source(error);
    while let Some(next) = inner {
        cause = format!("{cause}: {next}");
        inner = next.source();
    }
    if error.is_connect() || error.is_builder() {
        Answer::NotSent { cause }
    } else {
        Answer::Silent { cause }
    }
}

/// Error texts without the URL, whose path holds the payment key.
trait WithoutUrl {
    fn without_url_text(&self) -> String;
}

impl WithoutUrl for reqwest::Error {
    fn without_url_text(&self) -> String {
        let kind = if self.is_timeout() {
            "time-out"
        } else if self.is_connect() {
            "no connection"
        } else {
            "connection lost"
        };
        kind.to_owned()
    }
}

async fn bounded_body(mut response: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(body),
            Ok(Some(chunk)) if body.len() + chunk.len() <= MOST_BYTES => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err("the answer is too large".to_owned()),
            Err(error) => return Err(error.without_url_text()),
        }
    }
}

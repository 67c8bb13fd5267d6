//! A front end's view: requests with a credential, answers as status and JSON.

use gudok::clock::Clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::leaks;

/// The keys that every test service is started with.
pub(crate) const ADMIN_KEY: &str = "test-admin-key-0001";
pub(crate) const SERVICE_KEY: &str = "test-service-key-0001";
pub(crate) const JWT_SECRET: &str = "a test secret that is long enough for HS256";

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: reqwest::header::HeaderMap,
    /// The body as JSON; null when it is none.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
}

impl Reply {
    /// The error code; empty for an answer that is no problem.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Asserts the status and gives the body.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{}", self.text);
        &self.body
    }

    /// Asserts a problem document with this status and code, whole in its shape.
    #[track_caller]
    pub(crate) fn expect_problem(&self, status: u16, code: &str) -> &Value {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["requestId"], self.header("x-request-id"));
        for member in ["type", "title", "detail"] {
            assert!(
                self.body[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member}: {}",
                self.text
            );
        }
        &self.body
    }

    /// Asserts a 400 that names this field, and only it.
    #[track_caller]
    pub(crate) fn expect_field(&self, field: &str) {
        let problem = self.expect_problem(400, "INVALID_REQUEST");
        let fields: Vec<&str> = problem["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|error| error["field"].as_str())
            .collect();
        assert_eq!(fields, [field], "{}", self.text);
    }

    /// A header's text; empty when absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Somebody who calls the service.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    /// A caller of the service at `base`.
    pub(crate) fn new(base: &str, token: Option<String>) -> Self {
        // Only the first of many calls in a process installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { http: reqwest::Client::new(), base: base.to_owned(), token }
    }

    /// The same address with another credential.
    pub(crate) fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// Where the service is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// A request to be shaped by hand, with the credential.
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        send(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        leaks::body(&body);
        self.send_json("POST", path, body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send_json("PATCH", path, body.to_string()).await
    }

    /// A body that need not be JSON, sent as if it were.
    pub(crate) async fn send_json(&self, method: &str, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        send(self.request(method, path).header("content-type", "application/json").body(body)).await
    }
}

/// Sends a request and reads the whole answer.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a body");
    leaks::answer(&headers, &text);
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Reply { status, headers, body, text }
}

/// A user's JWT as the SaaS would sign it, good for an hour of the service's own time.
pub(crate) fn user_token(user: &str, clock: &Clock) -> String {
    let exp = clock.now().timestamp() + 3_600;
    sign(&json!({"sub": user, "exp": exp}))
}

/// A JWT with these claims.
pub(crate) fn sign(claims: &Value) -> String {
    let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
    encode(&Header::new(Algorithm::HS256), claims, &key).expect("a token")
}

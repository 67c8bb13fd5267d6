//! One function for each parser that meets a stranger's bytes, for fuzzers and for tests alone: none may panic, whatever
//! it gets, and each says what must hold of what it reads.
//!
//! What can be reached without the rest is called by itself. The others are reached as a stranger reaches them: by a request
//! to all routes of a service of their own.

#![expect(clippy::expect_used, reason = "a fuzzer that cannot start has failed")]

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use poem::endpoint::BoxEndpoint;
use poem::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, COOKIE};
use poem::http::{HeaderValue, Method, StatusCode, Uri};
use poem::{Endpoint, EndpointExt, Request, Response};
use tokio::runtime::Runtime;

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Addresses, Config};
use crate::http::language::Language;
use crate::http::page::PageRequest;
use crate::toss::{Answer, Operation};
use crate::webhooks::Envelope;

/// What is done with a stranger's bytes.
pub type Target = fn(&[u8]);

/// Every target with its name, which is also that of its corpus.
pub const TARGETS: [(&str, Target); 10] = [
    ("webhook", webhook),
    ("cursor", cursor),
    ("toss_answer", toss_answer),
    ("accept_language", accept_language),
    ("forwarded_for", forwarded_for),
    ("jwt", jwt),
    ("idempotency_key", idempotency_key),
    ("session_cookie", session_cookie),
    ("checkout_token", checkout_token),
    ("query", query),
];

/// The body of a webhook: what is kept of it is bounded and reads the same.
pub fn webhook(bytes: &[u8]) {
    if let Some(envelope) = Envelope::read(bytes) {
        let kept = envelope.kept();
        assert!(kept.len() < 4_096, "too much is kept: {kept}");
        assert_eq!(Envelope::read(kept.as_bytes()), Some(envelope), "{kept}");
    }
}

/// The cursor of a list: one that is taken reads the same when it is written again.
pub fn cursor(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for list in ["payments", "refunds"] {
        let Ok(page) = PageRequest::parse(list, None, Some(text)) else { continue };
        let again = page.cursor().expect("it has one");
        let page = PageRequest::parse(list, None, Some(&again)).expect("our own");
        assert_eq!(page.cursor(), Some(again), "{text}");
    }
}

/// An answer of Toss: the first byte chooses the call and the status. What is kept of a no is bounded and can be stored.
pub fn toss_answer(bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else { return };
    const OPERATIONS: [Operation; 4] =
        [Operation::Confirm, Operation::Lookup, Operation::Cancel, Operation::Transactions];
    let operation = OPERATIONS[usize::from(choice % 4)];
    let status = [200, 400, 401, 403, 404, 409, 429, 500][usize::from(choice / 4 % 8)];
    match Answer::json(operation, status, body).and_then(Answer::payment) {
        Ok(payment) => {
            let cancelled = payment.done_cancels().count();
            let account = payment.virtual_account();
            let shown = (payment.method_for_people(), payment.receipt_url(), account.is_some(), cancelled);
            assert!(!format!("{shown:?}").contains('\0'), "no database keeps it");
        }
        Err(Answer::Error { failure, .. }) => {
            assert!(failure.code.chars().count() <= 100 && failure.message.chars().count() <= 510);
            assert!(!failure.code.contains('\0') && !failure.message.contains('\0'));
        }
        Err(answer) => assert!(answer.code().is_none()),
    }
}

/// `Accept-Language`: Korean unless English is named.
pub fn accept_language(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let request = Request::builder().header(ACCEPT_LANGUAGE, value).finish();
    let named = bytes.to_ascii_lowercase().windows(2).any(|two| two == b"en");
    assert!(Language::of(&request) == Language::Korean || named);
}

/// `X-Forwarded-For`, a line for a header: an address that nobody claimed is never believed.
pub fn forwarded_for(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let trusted: Addresses = serde_json::from_value("10.0.0.0/8, fd00::/8".into()).expect("addresses");
    let claimed: Vec<&str> = text.lines().flat_map(|line| line.split(',')).collect();
    let known: Vec<IpAddr> = claimed.iter().filter_map(|hop| hop.trim().parse().ok()).collect();
    let proxy = IpAddr::from(Ipv4Addr::new(10, 0, 0, 1));
    let stranger = IpAddr::from(Ipv4Addr::new(203, 0, 113, 9));
    assert_eq!(crate::http::origin::walk_back(stranger, &claimed, &trusted), Some(stranger));
    if let Some(from) = crate::http::origin::walk_back(proxy, &claimed, &trusted) {
        assert!(from == proxy || known.iter().any(|claim| claim.to_canonical() == from), "{from}");
    }
}

/// A user's JWT: without the secret nobody makes one.
pub fn jwt(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(&[b"Bearer ", bytes].concat()) else { return };
    let request = Request::builder().uri_str("/v1/payments").header(AUTHORIZATION, value).finish();
    assert!(SERVICE.answer(request).is_client_error());
}

/// `Idempotency-Key`.
pub fn idempotency_key(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let request = Request::builder()
        .method(Method::POST)
        .uri_str("/v1/temp-orders")
        .header(AUTHORIZATION, ADMIN)
        .header(CONTENT_TYPE, "application/json")
        .header("idempotency-key", value);
    assert!(SERVICE.answer(request.body("{}")).is_client_error());
}

/// The cookie of a session at the dashboard: without our signature nobody is signed in.
pub fn session_cookie(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(&[b"gudok_session=", bytes].concat()) else { return };
    let request = Request::builder().uri_str("/admin").header(COOKIE, value).finish();
    assert!(!SERVICE.answer(request).is_success());
}

/// The token in a link to an order's page: without our signature nobody sees it.
pub fn checkout_token(bytes: &[u8]) {
    let token: String = url::form_urlencoded::byte_serialize(bytes).collect();
    let request = Request::builder().uri_str(format!("/checkout/order-0001?token={token}")).finish();
    assert!(SERVICE.answer(request).is_client_error());
}

/// The query of a list: what it does not know is refused.
pub fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(uri) = format!("/v1/payments?{text}").parse::<Uri>() else { return };
    SERVICE.answer(Request::builder().uri(uri).header(AUTHORIZATION, ADMIN).finish());
}

const ADMIN: &str = "Bearer a-key-for-fuzzing-alone";

static SERVICE: LazyLock<Service> = LazyLock::new(Service::start);

/// All routes over an empty database of their own.
struct Service {
    runtime: Runtime,
    routes: BoxEndpoint<'static, Response>,
}

impl Service {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("gudok-fuzzing-{}", std::process::id()));
        let url = format!("sqlite://{}/gudok.db?mode=rwc", folder.display());
        let variables = [
            ("GUDOK__DATABASE__URL", url.as_str()),
            ("GUDOK__TOSS__SECRET_KEY", "test_sk_fuzzing"),
            ("GUDOK__TOSS__CLIENT_KEY", "test_ck_fuzzing"),
            ("GUDOK__AUTH__ADMIN_KEY", "a-key-for-fuzzing-alone"),
            ("GUDOK__AUTH__JWT_HS256_SECRET", "a secret for fuzzing that nobody ever guesses"),
        ];
        let variables: HashMap<_, _> =
            variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let config = Config::from_variables(variables).expect("valid settings");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let routes = runtime.block_on(async {
            crate::db::migrate::up(&config.database.url).await.expect("migrated");
            let app = App::build(config, Clock::system()).await.expect("built");
            crate::http::routes(app).boxed()
        });
        Self { runtime, routes }
    }

    /// What the service answers, which is never that it is at a loss.
    fn answer(&self, request: Request) -> StatusCode {
        let status = self.runtime.block_on(self.routes.get_response(request)).status();
        assert!(!status.is_server_error(), "{status}");
        status
    }
}

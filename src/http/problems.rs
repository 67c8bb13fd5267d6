//! Around every request: its id, its log line, and the one shape that all errors have.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use poem::error::{MethodNotAllowedError, NotFoundError};
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, IntoResponse, Middleware, Request, Response};
use poem_openapi::error::{AuthorizationError, ContentTypeError, ParseParamError, ParsePathError};
use poem_openapi::types::ToJSON;
use tracing::Instrument;

use super::code::Code;
use super::error::{ApiError, Problem};
use super::fields::{Fault, FieldError};
use super::language::Language;
use super::origin::origin_or_peer;
use super::overload::{Overload, Place};
use super::paths::Paths;
use super::rates::Rates;
use crate::app::App;
use crate::auth::Once;
use crate::pages::{self, Shell};

/// The header that carries the id.
const REQUEST_ID: &str = "x-request-id";

/// The request's id, for whoever renders a problem inside of [`Problems`].
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// The request's route, for whoever asks about it inside of [`Problems`].
#[derive(Clone, Debug)]
pub(super) struct Route(pub(super) Arc<str>);

/// Adds request ids, log lines, counts and problem documents, and refuses what is too much or not in the document.
#[derive(Clone, Debug)]
pub(super) struct Problems {
    /// The service.
    pub(super) app: App,
    /// What the document knows.
    pub(super) paths: Arc<Paths>,
    /// How much is too much.
    pub(super) overload: Overload,
    /// How often is too often.
    pub(super) rates: Rates,
}

/// [`Problems`] around an endpoint.
#[derive(Debug)]
pub(super) struct WithProblems<E>(E, Problems);

impl<E: Endpoint> Middleware<E> for Problems {
    type Output = WithProblems<E>;

    fn transform(&self, endpoint: E) -> Self::Output {
        WithProblems(endpoint, self.clone())
    }
}

impl<E: Endpoint> Endpoint for WithProblems<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let around = &self.1;
        let matched = around.paths.matched(request.uri().path());
        let underway = around.app.metrics.http.arrived(Arc::clone(&matched.route), request.method());
        let request_id = request_id(&request);
        let language = Language::of(&request);
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let page = Shown::of(&around.app, &request);
        request.set_data(RequestId(request_id.clone()));
        request.set_data(Route(Arc::clone(&matched.route)));
        let once = Once::default();
        request.set_data(once.clone());
        let span = tracing::info_span!("request", request_id);
        async {
            let checked = around.rates.check(&around.app, &matched, &request);
            let outcome = match self.admit(&request, checked.refused.clone()) {
                Ok(place) => {
                    if let Some(held) = place.held() {
                        request.set_data(held);
                    }
                    self.guarded(request).await
                }
                Err(refused) => Err(refused.into()),
            };
            let mut response = outcome.unwrap_or_else(|error| match page {
                Some(page) => page.problem(&around.app, error, &request_id),
                None => answer(error, language, &request_id),
            });
            if response.status() == StatusCode::METHOD_NOT_ALLOWED
                && let Ok(value) = HeaderValue::from_str(&around.paths.allow(&path))
            {
                response.headers_mut().insert(header::ALLOW, value);
            }
            if let Ok(value) = HeaderValue::from_str(&request_id) {
                response.headers_mut().insert(REQUEST_ID, value);
            }
            around.rates.answered(&around.app, &checked, &mut response);
            let status = response.status().as_u16();
            let elapsed_ms = u64::try_from(underway.answered(status).as_millis()).unwrap_or(u64::MAX);
            let caller = once.name();
            tracing::info!(%method, path = &*loggable(&path), status, elapsed_ms, caller, "answered");
            Ok(response)
        }
        .instrument(span)
        .await
    }
}

impl<E: Endpoint> WithProblems<E> {
    /// What can be said before anything is done; a place for the request.
    fn admit(&self, request: &Request, too_often: Option<ApiError>) -> Result<Place, ApiError> {
        let Problems { app, paths, overload, .. } = &self.1;
        if let Some(refused) = too_often {
            return Err(refused);
        }
        let uri = request.uri();
        let from = origin_or_peer(request, &app.config.server.trusted_proxies);
        let place = overload.admit(uri.path(), from).inspect_err(|_| app.metrics.http.overloaded())?;
        if !acceptable(request) {
            return Err(Code::NotAcceptable.into());
        }
        paths.check_query(request.method(), uri.path(), uri.query())?;
        Ok(place)
    }

    /// A panic becomes an answer like any other error.
    async fn guarded(&self, request: Request) -> poem::Result<Response> {
        match AssertUnwindSafe(self.0.call(request)).catch_unwind().await {
            Ok(outcome) => outcome.map(IntoResponse::into_response),
            Err(_panic) => {
                tracing::error!("a handler panicked");
                Err(ApiError::from(Code::Internal).into())
            }
        }
    }
}

/// A page that a person looks at, kept for when it cannot be shown.
struct Shown {
    shell: Shell,
    /// The page again, unless asking for it again would do something again.
    again: Option<String>,
}

impl Shown {
    fn of(app: &App, request: &Request) -> Option<Self> {
        let path = request.uri().path();
        let below =
            |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !below("/checkout") && !below("/admin") {
            return None;
        }
        let again = request.uri().path_and_query().filter(|_| request.method() == Method::GET);
        Some(Self { shell: Shell::of(app, request), again: again.map(|path| path.as_str().to_owned()) })
    }

    fn problem(self, app: &App, error: poem::Error, request_id: &str) -> Response {
        if error.is_from_response() {
            return error.into_response();
        }
        let known = explain(&error);
        if known.code == Code::Internal && !error.is::<ApiError>() {
            tracing::error!(%error, "an error that nothing explains");
        }
        pages::problem(app, self.shell, request_id, self.again, &known, None)
    }
}

/// The caller's id if it is sane, else a new one.
fn request_id(request: &Request) -> String {
    let sane = |id: &&str| {
        (1..=128).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(sane);
    given.map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

/// Whether the caller takes JSON. Pages and documents outside of the API negotiate nothing.
fn acceptable(request: &Request) -> bool {
    if !request.uri().path().starts_with("/v1/") {
        return true;
    }
    let mut accepts =
        request.headers().get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if accepts.peek().is_none() {
        return true;
    }
    accepts.flat_map(|accept| accept.split(',')).any(|range| {
        let mut pieces = range.split(';').map(str::trim);
        let essence = pieces.next().unwrap_or_default().to_ascii_lowercase();
        if pieces.any(|piece| {
            piece.strip_prefix("q=").is_some_and(|weight| weight.trim_matches(['0', '.']).is_empty())
        }) {
            return false;
        }
        ["", "*/*", "application/*", "application/json", "application/problem+json"]
            .contains(&essence.as_str())
    })
}

/// Anything that went wrong, in the one shape.
pub(super) fn answer(error: poem::Error, language: Language, request_id: &str) -> Response {
    if error.is_from_response() {
        return error.into_response();
    }
    let known = explain(&error);
    if known.code == Code::Internal && !error.is::<ApiError>() {
        tracing::error!(%error, "an error that nothing explains");
    }
    let problem = Problem::of(&known, language, request_id);
    let mut response = Response::builder()
        .status(error_status(&known))
        .content_type("application/problem+json")
        .body(problem.to_json_string());
    let headers = response.headers_mut();
    match known.code {
        Code::Unauthenticated => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Code::DatabaseUnavailable | Code::PgUnavailable => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        Code::RequestInProgress | Code::JobRunning | Code::Overloaded | Code::RateLimited => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    if let Some(seconds) = known.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn error_status(error: &ApiError) -> poem::http::StatusCode {
    poem::error::ResponseError::status(error)
}

/// What an error of ours or of the framework means.
pub(super) fn explain(error: &poem::Error) -> ApiError {
    if let Some(error) = error.downcast_ref::<ApiError>() {
        return error.clone();
    }
    if let Some(parameter) = error.downcast_ref::<ParseParamError>() {
        return FieldError::new(parameter.name, parameter_fault(&parameter.reason)).into();
    }
    // Of the API's paths and of others. Neither has a name that a caller knows: poem-openapi numbers its parameters.
    if error.is::<ParsePathError>() || error.is::<poem::error::ParsePathError>() {
        return FieldError::new("path", Fault::WrongType).into();
    }
    let framework = [
        (error.is::<NotFoundError>(), Code::NotFound),
        (error.is::<MethodNotAllowedError>(), Code::MethodNotAllowed),
        (error.is::<ContentTypeError>(), Code::UnsupportedMediaType),
        (error.is::<AuthorizationError>(), Code::Unauthenticated),
    ];
    let by_type = framework.into_iter().find_map(|(is, code)| is.then_some(code));
    by_type
        .unwrap_or_else(|| match error.status().as_u16() {
            401 => Code::Unauthenticated,
            404 => Code::NotFound,
            405 => Code::MethodNotAllowed,
            413 => Code::PayloadTooLarge,
            415 => Code::UnsupportedMediaType,
            400..=499 => Code::InvalidRequest,
            _ => Code::Internal,
        })
        .into()
}

fn parameter_fault(reason: &str) -> Fault {
    if reason.contains("expects an input value") { Fault::Missing } else { Fault::WrongType }
}

/// A path as a log line may show it: bounded, and without control characters.
fn loggable(path: &str) -> Cow<'_, str> {
    const MOST: usize = 200;
    if path.len() <= MOST && path.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(path);
    }
    path.chars().take(MOST).map(|c| if c.is_control() { '?' } else { c }).collect()
}

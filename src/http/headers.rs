//! Around all else: what every answer tells browsers, and the sites whose pages may read it (CORS).
//!
//! poem's own CORS middleware answers an origin that is not listed with an error, and a preflight with whichever method
//! asked for; here the former is served like anybody without an origin, and told nothing.

use std::sync::Arc;

use poem::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, IntoResponse, Middleware, Request, Response};

use super::paths::Paths;
use crate::app::App;

/// What browsers may send.
const ALLOWED: &str =
    "authorization, content-type, idempotency-key, if-none-match, x-request-id, accept-language";
/// What scripts may read beyond the usual.
const EXPOSED: &str = "etag, x-request-id, retry-after, idempotency-replayed, ratelimit, ratelimit-policy";
/// How many seconds browsers remember a preflight; none of them keeps it for longer.
const REMEMBERED: &str = "7200";

/// Adds headers.
#[derive(Clone, Debug)]
pub(super) struct Headers {
    /// The service.
    pub(super) app: App,
    /// What the document knows.
    pub(super) paths: Arc<Paths>,
}

/// [`Headers`] around an endpoint.
#[derive(Debug)]
pub(super) struct WithHeaders<E>(E, Headers);

impl<E: Endpoint> Middleware<E> for Headers {
    type Output = WithHeaders<E>;

    fn transform(&self, endpoint: E) -> Self::Output {
        WithHeaders(endpoint, self.clone())
    }
}

impl<E: Endpoint> Endpoint for WithHeaders<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let Headers { app, paths } = &self.1;
        let path = request.uri().path();
        let shared = path.starts_with("/v1/") || path == "/openapi.json";
        let from = request.headers().get(header::ORIGIN);
        let listed = from.filter(|from| {
            shared && from.to_str().is_ok_and(|from| app.config.server.cors_origins.names(from))
        });
        let listed = listed.cloned();
        let asks = request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let mut response = if listed.is_some() && asks {
            preflight(&paths.allow(path))
        } else {
            self.0.call(request).await.map_or_else(|error| error.into_response(), IntoResponse::into_response)
        };
        if shared {
            response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = listed {
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
        self.1.secure(&mut response);
        Ok(response)
    }
}

impl Headers {
    /// What is not a page's own choice.
    fn secure(&self, response: &mut Response) {
        let usual: [(HeaderName, &str); 4] = [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        ];
        let headers = response.headers_mut();
        for (name, value) in usual {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
        let Headers { app, .. } = self;
        if app.config.server.is_https() {
            let year = HeaderValue::from_static("max-age=31536000");
            headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(year);
        }
    }
}

/// What a listed site may do here.
fn preflight(methods: &str) -> Response {
    let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
    let headers = response.headers_mut();
    if let Ok(methods) = HeaderValue::from_str(methods) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED));
    response
}

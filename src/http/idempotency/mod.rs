//! `Idempotency-Key`: what came before is answered again here, and everything else goes on with a claim in its hands.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use entity::ids::InvalidId;
use futures_util::FutureExt;
use poem::http::HeaderMap;
use poem::{Endpoint, IntoResponse, Middleware, Request, Response};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::body;
use super::code::Code;
use super::error::ApiError;
use super::fields::{Fault, FieldError};
use super::language::Language;
use super::paths::Paths;
use super::problems::{self, RequestId};
use crate::app::App;
use crate::auth;
use crate::idempotency::{self, Asked, Claim, Taken};

mod answer;
mod keyed;

use keyed::Held;
pub use keyed::Keyed;

/// The header that carries a key.
pub const HEADER: &str = "Idempotency-Key";
/// The header that says that an answer is not the first one.
pub const REPLAYED: &str = "idempotency-replayed";

/// What a key must be like.
const RULE: InvalidId = InvalidId { min: 1, max: 255, alphabet: "printable ASCII" };

/// Sees to it that a request with a key is done once.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    app: App,
    paths: Arc<Paths>,
}

impl Keys {
    /// For the operations of `paths` that take a key.
    pub(super) fn new(app: App, paths: Arc<Paths>) -> Self {
        Self { app, paths }
    }
}

/// [`Keys`] around an endpoint.
#[derive(Debug)]
pub(super) struct WithKeys<E>(Arc<E>, Keys);

impl<E: Endpoint + 'static> Middleware<E> for Keys {
    type Output = WithKeys<E>;

    fn transform(&self, endpoint: E) -> Self::Output {
        WithKeys(Arc::new(endpoint), self.clone())
    }
}

impl<E: Endpoint + 'static> Endpoint for WithKeys<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let sent = request.headers().contains_key(HEADER);
        if !sent || !self.1.paths.takes_key(request.method(), request.uri().path()) {
            return self.0.call(request).await.map(IntoResponse::into_response);
        }
        // Apart, because it is large, and what a request may need is moved about with each.
        Box::pin(self.once(request)).await
    }
}

impl<E: Endpoint + 'static> WithKeys<E> {
    /// Does what is asked once for its key.
    async fn once(&self, mut request: Request) -> poem::Result<Response> {
        let Keys { app, .. } = &self.1;
        // A stranger is refused where everybody without a key is, and leaves no trace here.
        let Ok(caller) = auth::caller(app, &request).await else {
            return self.0.call(request).await.map(IntoResponse::into_response);
        };
        let key = key(request.headers()).map_err(ApiError::from)?;
        let body = request.take_body();
        let body = body::whole(&request, body).await?;
        let asked =
            Asked { caller: caller.0.principal.scope(), key, fingerprint: fingerprint(&request, &body) };
        request.set_body(body);
        let taken = idempotency::take(app, &asked, app.clock.now()).await.map_err(ApiError::from)?;
        match taken {
            Taken::Ours(claim) => self.work(request, claim, None).await,
            Taken::Made(claim, resource) => {
                self.work(request, claim, Some(resource)).await.map(answer::replayed)
            }
            Taken::Answered(kept) => Ok(answer::replayed(answer::repeat(kept))),
            Taken::Running => Err(ApiError::from(Code::RequestInProgress).into()),
            Taken::Reused => Err(ApiError::from(Code::IdempotencyKeyReused).into()),
        }
    }

    /// Hands the request on, in a task of its own: the answer to a caller that hangs up is kept for its next try.
    async fn work(&self, mut request: Request, claim: Claim, made: Option<String>) -> poem::Result<Response> {
        request.set_data(Held { claim, made });
        let (endpoint, app) = (Arc::clone(&self.0), self.1.app.clone());
        let work = async move {
            let (language, request_id) = (Language::of(&request), request_id(&request));
            let outcome = tokio::select! {
                outcome = AssertUnwindSafe(endpoint.call(request)).catch_unwind() => outcome,
                never = idempotency::stay(&app, claim) => never,
            };
            let outcome = match outcome {
                Ok(outcome) => outcome.map(IntoResponse::into_response),
                Err(_panic) => {
                    tracing::error!("a handler panicked");
                    Err(ApiError::from(Code::Internal).into())
                }
            };
            finish(&app, claim, outcome, (language, &request_id)).await
        };
        match self.1.app.tasks.spawn(work.in_current_span()).await {
            Ok(answer) => answer,
            Err(broken) => {
                tracing::error!(error = %broken, "a request with a key broke off");
                Err(ApiError::from(Code::Internal).into())
            }
        }
    }
}

/// Keeps an answer that is final, and lets the key go with any other.
async fn finish(
    app: &App,
    claim: Claim,
    outcome: poem::Result<Response>,
    (language, request_id): (Language, &str),
) -> poem::Result<Response> {
    let is_final = match &outcome {
        Ok(response) => answer::is_final_success(response.status()),
        Err(error) => !error.is_from_response() && answer::is_final(problems::explain(error).code),
    };
    if !is_final {
        if let Err(error) = idempotency::let_go(app, claim, app.clock.now()).await {
            tracing::warn!(%error, "an idempotency key could not be let go; its lease will end");
        }
        return outcome;
    }
    let response = outcome.unwrap_or_else(|error| problems::answer(error, language, request_id));
    let kept = answer::read(response).await?;
    match idempotency::keep(app, claim, kept.clone()).await {
        Ok(first) => Ok(answer::repeat(first)),
        Err(error) => {
            // What was made is written down with the claim, so that a repeat finds it even so.
            tracing::warn!(%error, "an answer could not be kept for its idempotency key");
            Ok(answer::repeat(kept))
        }
    }
}

/// The one key that a request carries.
fn key(headers: &HeaderMap) -> Result<String, FieldError> {
    let mut values = headers.get_all(HEADER).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(FieldError::new(HEADER, Fault::Duplicate));
    }
    let key = first.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let fits = printable && (RULE.min..=RULE.max).contains(&key.len());
    if fits { Ok(key.to_owned()) } else { Err(FieldError::new(HEADER, Fault::Id(RULE))) }
}

/// A digest of what is asked. Method and path hold no line break, so that no part can pass for another.
fn fingerprint(request: &Request, body: &[u8]) -> String {
    let uri = request.uri();
    let path = uri.path_and_query().map_or(uri.path(), |path| path.as_str());
    let mut digest = Sha256::new();
    for part in [request.method().as_str().as_bytes(), b"\n", path.as_bytes(), b"\n", body] {
        digest.update(part);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn request_id(request: &Request) -> String {
    request.data::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

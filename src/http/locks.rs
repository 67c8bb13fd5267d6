//! A lock before every handler: who may not ask for an operation at all is refused here, whatever the handler would have
//! done, and so is everybody where nothing says who may.

use std::sync::Arc;

use poem::{Endpoint, IntoResponse, Middleware, Request, Response};

use super::code::Code;
use super::error::ApiError;
use super::paths::Paths;
use super::problems::Route;
use crate::app::App;
use crate::auth::{self, access};

/// Refuses callers by the table of rights.
#[derive(Clone, Debug)]
pub(super) struct Locks {
    /// The service.
    pub(super) app: App,
    /// What the document knows.
    pub(super) paths: Arc<Paths>,
}

/// [`Locks`] before an endpoint.
#[derive(Debug)]
pub(super) struct WithLocks<E>(E, Locks);

impl<E: Endpoint> Middleware<E> for Locks {
    type Output = WithLocks<E>;

    fn transform(&self, endpoint: E) -> Self::Output {
        WithLocks(endpoint, self.clone())
    }
}

impl<E: Endpoint> Endpoint for WithLocks<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        self.1.check(&request).await?;
        self.0.call(request).await.map(IntoResponse::into_response)
    }
}

impl Locks {
    async fn check(&self, request: &Request) -> Result<(), ApiError> {
        let (method, path) = (request.method(), request.uri().path());
        let route = request.data::<Route>().map_or("", |route| &*route.0);
        match access::rule(method.as_str(), route) {
            Some(rule) if rule.is_open() => Ok(()),
            Some(rule) => {
                let caller = auth::caller(&self.app, request).await?;
                if rule.allows(&caller.0.principal) { Ok(()) } else { Err(Code::Forbidden.into()) }
            }
            None if self.paths.knows(method, path) => {
                tracing::error!(%method, %route, "needs a person: nothing says who may ask for this operation");
                Err(Code::Forbidden.into())
            }
            // No such operation, or a page with a way in of its own.
            None => Ok(()),
        }
    }
}

//! Tells a buyer's visit from what browsers and scanners do by themselves.

use poem::{Request, Response, handler};

use crate::http::code::Code;
use crate::http::error::ApiError;

/// Refuses a HEAD, which only looks whether an address is there; the framework would make a GET of it.
#[handler]
pub(super) fn not_by_head() -> Result<Response, ApiError> {
    Err(Code::MethodNotAllowed.into())
}

/// Refuses what a browser fetches ahead of the buyer.
///
/// # Errors
/// [`Code::Overloaded`], so that the browser comes again when the buyer does.
pub(super) fn by_a_person(request: &Request) -> Result<(), ApiError> {
    let purposes = ["sec-purpose", "purpose", "x-moz"];
    let fetched_ahead = purposes.iter().any(|name| {
        let value = request.headers().get(*name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.contains("prefetch") || value.contains("prerender"))
    });
    if fetched_ahead { Err(Code::Overloaded.into()) } else { Ok(()) }
}

//! Tells a buyer's visit from what browsers and scanners do by themselves.

use poem::Request;
use poem::http::Method;

use crate::http::code::Code;
use crate::http::error::ApiError;

/// Refuses what no buyer has asked for: a HEAD, which looks whether an address is there, and a prefetch.
///
/// # Errors
/// [`Code::MethodNotAllowed`] for a HEAD; [`Code::Overloaded`] for a prefetch, so that the browser comes again when the
/// buyer does.
pub(super) fn by_a_person(request: &Request) -> Result<(), ApiError> {
    if request.method() != Method::GET {
        return Err(Code::MethodNotAllowed.into());
    }
    let purposes = ["sec-purpose", "purpose", "x-moz"];
    let fetched_ahead = purposes.iter().any(|name| {
        let value = request.headers().get(*name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.contains("prefetch") || value.contains("prerender"))
    });
    if fetched_ahead { Err(Code::Overloaded.into()) } else { Ok(()) }
}

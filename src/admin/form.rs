//! Forms: bounded, of one kind, from our own pages.

use std::collections::HashMap;

use poem::http::{HeaderMap, header};
use poem::{FromRequest, Request, RequestBody};

use crate::app::App;
use crate::http::body;
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::http::fields::{Fault, FieldError};

/// Fields that a form has at most.
const MOST_FIELDS: usize = 50;

/// The fields of a form that one of our own pages has sent.
#[derive(Clone)]
pub(super) struct Fields(HashMap<String, String>);

/// One of them may be a key.
impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fields(…)")
    }
}

impl Fields {
    /// What was put into the field; nothing of one that was left empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// [`Fields::get`] without the spaces around it, which people paste along.
    pub(super) fn trimmed(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Whether the box was ticked.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl<'a> FromRequest<'a> for Fields {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let app = request.data::<App>().ok_or_else(|| ApiError::from(Code::Internal))?;
        if !is_own(app, request.headers()) {
            tracing::warn!("a form from another site was refused");
            return Err(ApiError::from(Code::Forbidden).into());
        }
        let kind = request.content_type().unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(ApiError::from(Code::UnsupportedMediaType).into());
        }
        let missing = || ApiError::from(FieldError::new("body", Fault::Missing));
        let bytes = body::whole(request, body.take().map_err(|_| missing())?).await?;
        let mut fields = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(&bytes) {
            if fields.len() >= MOST_FIELDS {
                return Err(ApiError::from(Code::PayloadTooLarge).into());
            }
            if fields.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(ApiError::from(FieldError::new(name, Fault::Duplicate)).into());
            }
        }
        Ok(Self(fields))
    }
}

/// Whether the browser says that one of our own pages sent the form, or says nothing at all.
fn is_own(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return false;
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else { return true };
    let host = origin.split_once("://").map(|(_, host)| host);
    origin == public_origin(app) || host.is_some() && host == text(header::HOST.as_str())
}

fn public_origin(app: &App) -> String {
    let address = app.public_url();
    url::Url::parse(&address).map_or(address, |url| url.origin().ascii_serialization())
}

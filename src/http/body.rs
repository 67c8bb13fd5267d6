//! JSON in and out. Bodies are bounded, read strictly, and their faults are told by field.

use std::marker::PhantomData;
use std::time::Duration;

use hyper::body::Bytes;
use poem::http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::{Body, IntoResponse, Request, RequestBody, Response};
use poem_openapi::payload::{ParsePayload, Payload};
use poem_openapi::registry::{
    MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::{ToJSON, Type};
use poem_openapi::{ApiResponse, impl_apirequest_for_payload};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::code::Code;
use super::error::ApiError;
use super::fields::{Fault, FieldError};
use super::overload::Held;

/// The largest body that is read, in bytes.
pub const MOST_BYTES: usize = 64 * 1024;
/// How much of a larger one is thrown away before it is refused, in bytes.
const MOST_DISCARDED: u64 = 8 * 1024 * 1024;
/// How long that may take.
const DISCARDED_WITHIN: Duration = Duration::from_secs(2);
/// How long a body may take to arrive.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

/// A JSON object. Fields that `T` does not know are refused.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

impl<T: Type> Payload for Json<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn check_content_type(content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case(Self::CONTENT_TYPE)
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type + DeserializeOwned> ParsePayload for Json<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> poem::Result<Self> {
        let body = body.take().map_err(|_| fault("body", Fault::Missing))?;
        Ok(parse(&whole(request, body).await?).map(Self)?)
    }
}

impl_apirequest_for_payload!(Json<T>, T: Type + DeserializeOwned);

/// Bytes that hold an ordinary answer, so that writing it need not ask for memory again and again.
const ORDINARY: usize = 1024;
/// Headers that an answer has at most on an ordinary day.
const HEADERS: usize = 12;

/// A `T` that has been written down as JSON; cheap to clone.
#[derive(Clone, Debug)]
pub struct Written<T>(Bytes, PhantomData<fn() -> T>);

impl<T: Serialize> Written<T> {
    /// Writes `value` down.
    ///
    /// # Errors
    /// When it makes no JSON.
    pub fn of(value: &T) -> Result<Self, ApiError> {
        let mut text = Vec::with_capacity(ORDINARY);
        serde_json::to_writer(&mut text, value).map_err(|error| {
            tracing::error!(%error, "an answer that makes no JSON");
            Code::Internal
        })?;
        Ok(Self(text.into_boxed_slice().into(), PhantomData))
    }

    /// The JSON.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<T: Type> Payload for Written<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        let mut response = Response::builder().status(StatusCode::OK).body(self.0);
        let headers = response.headers_mut();
        headers.reserve(HEADERS);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(<Self as Payload>::CONTENT_TYPE));
        response
    }
}

/// Any JSON, unread: what strangers send whose fields are theirs to choose.
#[derive(Clone, Debug)]
pub struct AnyJson(pub Vec<u8>);

impl Payload for AnyJson {
    const CONTENT_TYPE: &'static str = "application/json";

    fn check_content_type(content_type: &str) -> bool {
        Json::<String>::check_content_type(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new("object")))
    }
}

impl ParsePayload for AnyJson {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> poem::Result<Self> {
        let body = body.take().map_err(|_| fault("body", Fault::Missing))?;
        Ok(Self(whole(request, body).await?))
    }
}

impl_apirequest_for_payload!(AnyJson);

/// Reads a body to its end, within bounds of size and time.
///
/// # Errors
/// [`Code::PayloadTooLarge`], or that it did not arrive in time.
pub(crate) async fn whole(request: &Request, body: Body) -> Result<Vec<u8>, ApiError> {
    match request.data::<Held>() {
        Some(place) => place.without(bounded(request.headers(), body)).await?,
        None => bounded(request.headers(), body).await,
    }
}

async fn bounded(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let mut body = body.into_async_read();
    if announced.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > MOST_BYTES) {
        discard(body).await;
        return Err(Code::PayloadTooLarge.into());
    }
    let arrived = tokio::time::timeout(ARRIVES_WITHIN, read(&mut body)).await;
    let arrived = arrived.map_err(|_| fault("body", Fault::TooSlow))?;
    let bytes = arrived.map_err(|_broken| fault("body", Fault::TooSlow))?;
    if bytes.len() > MOST_BYTES {
        discard(body).await;
        return Err(Code::PayloadTooLarge.into());
    }
    Ok(bytes)
}

/// Reads at most one byte more than is allowed.
async fn read(body: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    body.take(most).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// Lets a client that writes before it reads finish, within bounds: otherwise it would see a broken connection in the
/// place of the answer.
async fn discard(body: impl AsyncRead + Unpin) {
    let mut rest = body.take(MOST_DISCARDED);
    let drained =
        tokio::time::timeout(DISCARDED_WITHIN, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    tracing::debug!(in_time = drained.is_ok(), "a body was too large");
}

/// Reads a strict JSON object.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(fault("body", Fault::Missing));
    }
    let is_object = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if !is_object {
        return Err(fault("body", Fault::NotJson));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = field_path(error.path());
        // The reader calls some wrong types a fault of syntax, though the text is JSON: then the field is at fault.
        let is_json = error.inner().is_data() || serde_json::from_slice::<serde_json::Value>(bytes).is_ok();
        explain(&path, error.inner(), is_json)
    })?;
    reader.end().map_err(|_| fault("body", Fault::NotJson))?;
    Ok(parsed)
}

/// The names of the fields down to the fault. The variants of an enum are no fields.
fn field_path(path: &serde_path_to_error::Path) -> String {
    let names = path.iter().map_while(|segment| match segment {
        Segment::Map { key } => Some(key.clone()),
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    names.collect::<Vec<_>>().join(".")
}

/// Which field is at fault. The JSON reader tells it in words, with the field's name in backticks.
fn explain(path: &str, error: &serde_json::Error, is_json: bool) -> ApiError {
    let words = error.to_string();
    if !is_json && !words.starts_with("number out of range") {
        return fault("body", Fault::NotJson);
    }
    let named = words.split('`').nth(1).unwrap_or("body");
    let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
    let inside = |name: &str| if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
    if words.starts_with("missing field") {
        fault(&inside(named), Fault::Missing)
    } else if words.starts_with("unknown field") {
        // A stranger's name is echoed, so it is kept short.
        fault(&inside(&named.chars().take(64).collect::<String>()), Fault::Unknown)
    } else if words.starts_with("duplicate field") {
        fault(&inside(named), Fault::Duplicate)
    } else {
        fault(if path.is_empty() { "body" } else { path }, Fault::WrongType)
    }
}

fn fault(field: &str, fault: Fault) -> ApiError {
    FieldError::new(field, fault).into()
}

impl<T: ToJSON> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let body = self.0.to_json_string();
        Response::builder().status(StatusCode::OK).content_type(Self::CONTENT_TYPE).body(body)
    }
}

impl<T: ToJSON> ApiResponse for Json<T> {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType { content_type: Self::CONTENT_TYPE, schema: Self::schema_ref() }];
        let ok = MetaResponse {
            description: "",
            status: Some(200),
            status_range: None,
            content,
            headers: Vec::new(),
        };
        MetaResponses { responses: vec![ok] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsing is tested")]
    struct Order {
        order_id: String,
        amount: i64,
        note: Option<String>,
        #[serde(default)]
        kind: Kind,
    }

    #[derive(Debug, Default, Deserialize)]
    enum Kind {
        #[default]
        Basic,
    }

    fn first_fault(body: &[u8]) -> (String, Fault) {
        let error = parse::<Order>(body).expect_err("a fault");
        assert_eq!(error.code, Code::InvalidRequest);
        (error.errors[0].field.clone(), error.errors[0].fault.clone())
    }

    #[test]
    fn faults_are_told_by_field() {
        for (body, field, fault) in [
            (&br#"{"orderId":"a"}"#[..], "amount", Fault::Missing),
            (br#"{"orderId":"a","amount":1,"extra":1}"#, "extra", Fault::Unknown),
            (br#"{"orderId":"a","amount":1,"amount":2}"#, "amount", Fault::Duplicate),
            (br#"{"orderId":"a","amount":1.5}"#, "amount", Fault::WrongType),
            (br#"{"orderId":"a","amount":"1"}"#, "amount", Fault::WrongType),
            (br#"{"orderId":"a","amount":92233720368547758070}"#, "amount", Fault::WrongType),
            (br#"{"orderId":7,"amount":1}"#, "orderId", Fault::WrongType),
            (br#"{"orderId":"a","amount":1e400}"#, "amount", Fault::WrongType),
            (br#"{"orderId":"a","amount":1,"kind":null}"#, "kind", Fault::WrongType),
            (br#"{"orderId":"a","amount":1,"kind":{"Basic":1}}"#, "kind", Fault::WrongType),
            (br#"{"orderId":"a","amount":1,"kind":"x"}"#, "kind", Fault::WrongType),
            (br#"{"orderId":"a","amount":1,"kind":}"#, "body", Fault::NotJson),
            (br#"{"orderId":"a","amount":1}}"#, "body", Fault::NotJson),
            (br#"{"orderId":"a","#, "body", Fault::NotJson),
            (b"[]", "body", Fault::NotJson),
            (b"null", "body", Fault::NotJson),
            (b"", "body", Fault::Missing),
            (b"{\"orderId\":\"\xff\",\"amount\":1}", "body", Fault::NotJson),
        ] {
            assert_eq!(first_fault(body), (field.to_owned(), fault), "{}", String::from_utf8_lossy(body));
        }
        assert!(parse::<Order>(br#" {"orderId":"a","amount":1,"note":null} "#).is_ok());
    }
}

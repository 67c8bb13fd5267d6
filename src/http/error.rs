//! Failures on their way to the caller: a code, the fields at fault, what Toss said. How they look is decided last.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use poem::error::ResponseError;
use poem::http::StatusCode;
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Object};
use sea_orm::DbErr;

use super::code::Code;
use super::fields::FieldError;
use super::language::Language;
use crate::db;
use crate::toss::Failure;

/// A failure of a request.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .code.as_str())]
pub struct ApiError {
    /// What kind of failure.
    pub code: Code,
    /// The fields at fault.
    pub errors: Vec<FieldError>,
    /// What Toss said.
    pub pg: Option<Failure>,
    /// After how many seconds another try is worth it, where that is known.
    pub retry_after: Option<u32>,
}

impl ApiError {
    /// Another try is worth it after so many seconds.
    pub fn retry_after(code: Code, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..code.into() }
    }

    /// What Toss said goes along.
    pub fn with_pg(code: Code, failure: Option<Failure>) -> Self {
        Self { pg: failure.filter(|failure| !failure.code.is_empty()), ..code.into() }
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self { code, errors: Vec::new(), pg: None, retry_after: None }
    }
}

impl From<Vec<FieldError>> for ApiError {
    fn from(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Code::InvalidRequest.into() }
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        vec![error].into()
    }
}

/// The database's own errors say nothing to callers; operators read them here, once.
impl From<DbErr> for ApiError {
    fn from(error: DbErr) -> Self {
        if db::is_unavailable(&error) {
            tracing::warn!(%error, "the database is not available");
            Code::DatabaseUnavailable.into()
        } else {
            tracing::error!(%error, "the database refused");
            Code::Internal.into()
        }
    }
}

impl ResponseError for ApiError {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// An error answer (RFC 9457); every error, whatever causes it, has this shape.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Problem {
    /// Names the kind of problem; follows from `code`.
    pub r#type: String,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, in Korean or English by `Accept-Language`.
    pub detail: String,
    /// What is wrong, for programs; it never changes.
    pub code: String,
    /// Names the request in logs.
    pub request_id: String,
    /// The fields at fault, by name.
    pub errors: Option<Vec<ProblemField>>,
    /// What Toss said.
    pub pg: Option<PgProblem>,
}

/// A field at fault.
#[derive(Clone, Debug, Object)]
pub struct ProblemField {
    /// Its name, as in `orderId`; `body` for the whole.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

/// What Toss said.
#[derive(Clone, Debug, Object)]
pub struct PgProblem {
    /// Toss's code.
    pub code: String,
    /// Toss's words.
    pub message: String,
}

impl Problem {
    /// How `error` looks to a caller.
    pub fn of(error: &ApiError, language: Language, request_id: &str) -> Self {
        let status = error.status();
        let fields = error
            .errors
            .iter()
            .map(|error| ProblemField { field: error.field.clone(), detail: error.detail(language) });
        let code = error.code.as_str();
        Self {
            r#type: format!("urn:gudok:problem:{}", code.to_lowercase().replace('_', "-")),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: error.code.detail(language).to_owned(),
            code: code.to_owned(),
            request_id: request_id.to_owned(),
            errors: (!error.errors.is_empty()).then(|| fields.collect()),
            pg: error.pg.clone().map(|failure| PgProblem { code: failure.code, message: failure.message }),
        }
    }
}

/// The codes that one operation can answer with, for its documentation.
pub trait Codes: Send + Sync + 'static {
    /// Groups of codes.
    const CODES: &'static [&'static [Code]];
}

/// Declares the codes of operations.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = [$($group:expr),+ $(,)?];)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub(crate) enum $name {}

            impl $crate::http::error::Codes for $name {
                const CODES: &'static [&'static [$crate::http::code::Code]] =
                    &[$crate::http::code::ALWAYS, $($group),+];
            }
        )+
    };
}
pub(crate) use refusals;

/// A failure of an operation that documents the codes `C`.
#[derive(Debug)]
pub struct Refusal<C>(ApiError, PhantomData<C>);

/// What a handler returns.
pub type Answer<T, C> = Result<T, Refusal<C>>;

impl<C: Codes, E: Into<ApiError>> From<E> for Refusal<C> {
    fn from(error: E) -> Self {
        let error = error.into();
        let documented = C::CODES.iter().any(|group| group.contains(&error.code));
        debug_assert!(documented, "{} is not documented here", error.code.as_str());
        Self(error, PhantomData)
    }
}

impl<C> From<Refusal<C>> for poem::Error {
    fn from(refusal: Refusal<C>) -> Self {
        refusal.0.into()
    }
}

impl<C: Codes> ApiResponse for Refusal<C> {
    fn meta() -> MetaResponses {
        let mut codes: Vec<Code> = C::CODES.iter().copied().flatten().copied().collect();
        codes.sort_by_key(|code| (code.status(), code.as_str()));
        codes.dedup();
        let responses = codes.chunk_by(|one, other| one.status() == other.status()).map(|same| {
            let lines =
                same.iter().map(|code| format!("`{}`: {}", code.as_str(), code.detail(Language::English)));
            MetaResponse {
                description: for_good(lines.collect::<Vec<_>>().join("\n\n")),
                status: same.first().map(|code| code.status()),
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: ProblemJson::CONTENT_TYPE,
                    schema: Problem::schema_ref(),
                }],
                headers: Vec::new(),
            }
        });
        MetaResponses { responses: responses.collect() }
    }

    fn register(registry: &mut Registry) {
        Problem::register(registry);
    }
}

/// The registry wants static texts, and the document is made several times in a process: each text is kept once.
fn for_good(text: String) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(same) = kept.get(text.as_str()) {
        return same;
    }
    let text: &'static str = text.leak();
    kept.insert(text);
    text
}

/// The media type of problems.
#[derive(Debug)]
pub struct ProblemJson;

impl Payload for ProblemJson {
    const CONTENT_TYPE: &'static str = "application/problem+json";

    fn schema_ref() -> MetaSchemaRef {
        Problem::schema_ref()
    }
}

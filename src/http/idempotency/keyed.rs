//! What a handler learns of the `Idempotency-Key` that its request came with.

use std::str::FromStr;

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchema, MetaSchemaRef};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::{HEADER, RULE};
use crate::http::code::Code;
use crate::http::error::ApiError;
use crate::idempotency::{Claim, ClaimError};

/// The claim that a request works under, and what was made under it before.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) claim: Claim,
    pub(super) made: Option<String>,
}

/// The request's `Idempotency-Key`, if it has one. A handler that makes something writes it down under the claim, in the
/// same transaction; and where the request has made something before, it tells how that stands and makes nothing.
#[derive(Debug)]
pub struct Keyed(Option<Held>);

impl Keyed {
    /// What the request has made before.
    ///
    /// # Errors
    /// [`Code::Internal`] when that is no `T`.
    pub fn made<T: FromStr>(&self) -> Result<Option<T>, ApiError> {
        let made = self.0.as_ref().and_then(|held| held.made.as_deref());
        made.map(str::parse).transpose().map_err(|_| {
            tracing::error!(?made, "a key that made something else than its operation makes");
            Code::Internal.into()
        })
    }

    /// What to write down under it what is made; none without a key.
    pub fn claim(&self) -> Option<Claim> {
        self.0.as_ref().map(|held| held.claim)
    }
}

impl From<ClaimError> for ApiError {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Lost => Code::RequestInProgress.into(),
            ClaimError::Database(error) => error.into(),
        }
    }
}

impl<'a> ApiExtractor<'a> for Keyed {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];

    type ParamType = String;
    type ParamRawType = String;

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        let mut schema = MetaSchema::new("string");
        (schema.min_length, schema.max_length) = (Some(RULE.min), Some(RULE.max));
        Some(MetaSchemaRef::Inline(Box::new(schema)))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        let held = request.data::<Held>().cloned();
        if held.is_none() && request.headers().contains_key(HEADER) {
            // Better not done than done twice.
            tracing::error!("a key that nobody has claimed");
            return Err(ApiError::from(Code::Internal).into());
        }
        Ok(Self(held))
    }
}

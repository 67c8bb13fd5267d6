//! The bodies of the smaller control calls.

use serde::Deserialize;

use crate::refusal::Refusal;

/// `POST /sandbox/clock`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advance {
    pub(crate) advance: String,
}

/// `POST /sandbox/options`: what is absent stays as it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Switches {
    pub(crate) unknown_fields: Option<bool>,
    pub(crate) one_approval_per_order: Option<bool>,
}

/// `POST /sandbox/payments/{paymentKey}/console-cancel`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ConsoleCancel {
    pub(crate) cancel_amount: Option<i64>,
    pub(crate) cancel_reason: String,
}

impl ConsoleCancel {
    /// Staff are bound by the same limits as the API.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.cancel_amount.is_some_and(|amount| amount < 1) {
            return Err(Refusal::invalid("cancelAmount must be above zero"));
        }
        if !(1..=200).contains(&self.cancel_reason.chars().count()) {
            return Err(Refusal::invalid("cancelReason must have 1 to 200 characters"));
        }
        Ok(())
    }
}

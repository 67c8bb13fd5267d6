//! What a cancel asks for, read from its body and checked before any payment is looked at.

use serde_json::Value;

use crate::{means::RefundAccount, refusal::Refusal};

/// The fields of `POST /v1/payments/{paymentKey}/cancel`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CancelRequest {
    pub(crate) reason: String,
    /// Absent means: everything that is left.
    pub(crate) amount: Option<i64>,
    /// The balance that the shop expects.
    pub(crate) refundable: Option<i64>,
    pub(crate) tax_free: Option<i64>,
    pub(crate) tax_exemption: i64,
    pub(crate) refund_account: Option<Value>,
    pub(crate) request_id: Option<String>,
}

impl CancelRequest {
    /// A cancel of everything, as staff do it in the console.
    pub(crate) fn by_staff(amount: Option<i64>, reason: &str) -> Self {
        Self {
            reason: reason.to_owned(),
            amount,
            refundable: None,
            tax_free: None,
            tax_exemption: 0,
            refund_account: None,
            request_id: None,
        }
    }

    /// Reads the body. Fields that are not known are ignored, `null` counts as absent.
    pub(crate) fn parse(body: &Value) -> Result<Self, Refusal> {
        let invalid = || Refusal::new("INVALID_REQUEST");
        let fields = body.as_object().ok_or_else(invalid)?;
        let field = |name: &str| fields.get(name).filter(|value| !value.is_null());
        let whole = |name: &str, least: i64| match field(name) {
            None => Ok(None),
            // Money is a whole number of won: a float or a string is a wrong request.
            Some(value) => value.as_i64().filter(|n| *n >= least).map(Some).ok_or_else(invalid),
        };
        let reason = field("cancelReason").and_then(Value::as_str).ok_or_else(invalid)?;
        let request_id = field("cancelRequestId").map(|id| id.as_str().ok_or_else(invalid)).transpose()?;
        if !(1..=200).contains(&reason.chars().count())
            || request_id.is_some_and(|id| !(6..=64).contains(&id.len()))
            || field("currency").is_some_and(|currency| currency.as_str() != Some("KRW"))
        {
            return Err(invalid());
        }
        Ok(Self {
            reason: reason.to_owned(),
            amount: whole("cancelAmount", 1)?,
            refundable: whole("refundableAmount", 0)?,
            tax_free: whole("taxFreeAmount", 0)?,
            tax_exemption: whole("taxExemptionAmount", 0)?.unwrap_or(0),
            refund_account: field("refundReceiveAccount").cloned(),
            request_id: request_id.map(str::to_owned),
        })
    }

    /// The account of a refund after a deposit, which must be given. Which code its absence gets is not
    /// documented; this is the only one whose name speaks of the account as a whole.
    pub(crate) fn account(&self) -> Result<RefundAccount, Refusal> {
        let account = self.refund_account.as_ref();
        RefundAccount::parse(account.ok_or_else(|| Refusal::new("INVALID_REFUND_ACCOUNT_INFO"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn wrong_bodies_are_refused() {
        for body in [
            json!([]),
            json!({}),
            json!({"cancelReason": ""}),
            json!({"cancelReason": 1}),
            json!({"cancelReason": "가".repeat(201)}),
            json!({"cancelReason": "r", "cancelAmount": 0}),
            json!({"cancelReason": "r", "cancelAmount": -1}),
            json!({"cancelReason": "r", "cancelAmount": 10.0}),
            json!({"cancelReason": "r", "cancelAmount": "10"}),
            json!({"cancelReason": "r", "refundableAmount": 0.5}),
            json!({"cancelReason": "r", "currency": "USD"}),
            json!({"cancelReason": "r", "cancelRequestId": "short"}),
        ] {
            let refused = CancelRequest::parse(&body).unwrap_err();
            assert_eq!(refused.code(), "INVALID_REQUEST", "{body}");
        }
    }

    #[test]
    fn null_is_absent_and_unknown_is_ignored() {
        let body = json!({"cancelReason": "가".repeat(200), "cancelAmount": null, "later": true});
        let request = CancelRequest::parse(&body).unwrap();
        assert_eq!((request.amount, request.refundable), (None, None));
    }
}

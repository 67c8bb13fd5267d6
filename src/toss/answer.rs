//! What a call to Toss brought: its payment, a coded error, or nothing that decides anything.

use serde::Deserialize;
use serde_json::Value;

use super::codes::{Class, Operation, classify};
use super::payment::Payment;

/// What a call to Toss brought.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Toss shows the payment.
    Payment(Box<Payment>),
    /// Toss answered with an error whose code says what it means.
    Error {
        /// What the code means for the request that was made.
        class: Class,
        /// Toss's code and words.
        failure: Failure,
        /// Whether Toss repeats this answer to the same idempotency key.
        kept: Kept,
    },
    /// Nothing left this machine, so nothing happened.
    NotSent {
        /// What went wrong, for operators.
        cause: String,
    },
    /// Something may have happened at Toss, but no answer says what.
    Silent {
        /// What went wrong, for operators.
        cause: String,
    },
}

/// Whether Toss repeats an answer to the same idempotency key for 15 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It does so with 4xx answers.
    Yes,
    /// Not with those to a request that still runs (409), or to too many (429).
    No,
    /// Its documents do not say it of 5xx answers.
    Unsaid,
}

impl Kept {
    /// Whether the next try, which a look-up precedes, needs a new key after `tries` in vain: the old one would only
    /// bring the same answer back.
    pub fn needs_new_key(self, tries: i32) -> bool {
        match self {
            Self::Yes => true,
            Self::No => false,
            Self::Unsaid => tries >= 3,
        }
    }
}

/// No database keeps a NUL in a text. It is taken out of the texts, not of the JSON: there, a buyer's own words could
/// look like one.
fn without_nul(value: &mut Value) {
    match value {
        Value::String(text) => text.retain(|c| c != '\0'),
        Value::Array(items) => items.iter_mut().for_each(without_nul),
        Value::Object(members) => members.values_mut().for_each(without_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Toss's code and words for an error.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Failure {
    /// A stable code.
    pub code: String,
    /// Words for people, at most 510 characters.
    pub message: String,
}

impl Answer {
    /// Reads the JSON of a 200. Any other status carries no result, and its code says what that means.
    pub(crate) fn json(operation: Operation, status: u16, body: &[u8]) -> Result<Value, Self> {
        let mut value: Value = match serde_json::from_slice(body) {
            Ok(value) => value,
            Err(_) => return Err(Self::Silent { cause: format!("HTTP {status} without JSON") }),
        };
        without_nul(&mut value);
        if status == 200 {
            return Ok(value);
        }
        let Ok(failure) = serde_json::from_value::<Failure>(value) else {
            return Err(Self::Silent { cause: format!("HTTP {status} without a code") });
        };
        // Too many requests says nothing about this one, whatever its body claims.
        let class = if status == 429 { Class::Unknown } else { classify(operation, &failure.code) };
        let kept = match status {
            409 | 429 => Kept::No,
            400..500 => Kept::Yes,
            _ => Kept::Unsaid,
        };
        Err(Self::Error { class, failure: failure.bounded(), kept })
    }

    /// Reads the payment of a 200.
    pub(crate) fn payment(value: Value) -> Result<Payment, Self> {
        serde_json::from_value(value)
            .map_err(|error| Self::Silent { cause: format!("unreadable payment: {error}") })
    }

    /// One word for log lines and metrics.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Payment(_) => "payment",
            Self::Error { class: Class::Declined, .. } => "declined",
            Self::Error { class: Class::Misconfigured, .. } => "misconfigured",
            Self::Error { class: Class::LookUp, .. } => "look_up",
            Self::Error { class: Class::Unknown, .. } | Self::Silent { .. } => "unknown",
            Self::Error { class: Class::NotFound, .. } => "not_found",
            Self::NotSent { .. } => "not_sent",
        }
    }

    /// Toss's code, where there is one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Error { failure, .. } => Some(&failure.code),
            Self::Payment(_) | Self::NotSent { .. } | Self::Silent { .. } => None,
        }
    }
}

impl Failure {
    /// Toss promises at most 510 characters; what is kept and shown holds that promise for it.
    fn bounded(self) -> Self {
        Self {
            code: self.code.chars().take(100).collect(),
            message: self.message.chars().take(510).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a payment's answer says.
    fn read(status: u16, body: &str) -> Answer {
        let payment = Answer::json(Operation::Confirm, status, body.as_bytes()).and_then(Answer::payment);
        payment.map_or_else(|other| other, |payment| Answer::Payment(Box::new(payment)))
    }

    #[test]
    fn the_code_decides_and_the_status_does_not() {
        let read = |status, body: &str| read(status, body).class();
        assert_eq!(read(403, r#"{"code":"REJECT_CARD_PAYMENT","message":"x"}"#), "declined");
        assert_eq!(read(400, r#"{"code":"PROVIDER_ERROR","message":"x"}"#), "unknown");
        assert_eq!(read(400, r#"{"code":"NEVER_HEARD_OF","message":"x"}"#), "unknown");
        assert_eq!(read(401, r#"{"code":"UNAUTHORIZED_KEY","message":"x"}"#), "misconfigured");
        assert_eq!(read(429, r#"{"code":"REJECT_CARD_PAYMENT","message":"x"}"#), "unknown");
        assert_eq!(read(502, "<html>bad gateway</html>"), "unknown");
        assert_eq!(read(200, r#"{"paymentKey": "k", "#), "unknown");
    }

    #[test]
    fn a_nul_goes_and_words_that_look_like_one_stay() {
        let body = r#"{"code":"REJECT_CARD_PAYMENT","message":"a\u0000b \\u0000 c"}"#;
        let Answer::Error { failure, .. } = read(403, body) else {
            panic!("an error");
        };
        assert_eq!(failure.message, r"ab \u0000 c");
    }
}

//! What a call to Toss brought: its payment, a coded error, or nothing that decides anything.

use serde::Deserialize;

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
    },
    /// Nothing left this machine, so nothing happened.
    NotSent {
        /// What went wrong, for operators.
        cause: String,
    },
    /// Something may have happened at Toss, but no answer says what.
    Silent {
        /// Whether bytes came back, so that the request is surely not still under way.
        answered: bool,
        /// What went wrong, for operators.
        cause: String,
    },
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
    /// Reads an HTTP answer. The status alone decides nothing but that only 200 can carry a payment.
    pub(super) fn read(operation: Operation, status: u16, body: &[u8]) -> Self {
        if status == 200 {
            return match serde_json::from_slice(body) {
                Ok(payment) => Self::Payment(Box::new(payment)),
                Err(error) => Self::Silent { answered: true, cause: format!("unreadable payment: {error}") },
            };
        }
        match serde_json::from_slice::<Failure>(body) {
            // Too many requests says nothing about this one, whatever its body claims.
            Ok(failure) if status == 429 => Self::Error { class: Class::Unknown, failure },
            Ok(failure) => {
                Self::Error { class: classify(operation, &failure.code), failure: failure.bounded() }
            }
            Err(_) => Self::Silent { answered: true, cause: format!("HTTP {status} without a code") },
        }
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

    #[test]
    fn the_code_decides_and_the_status_does_not() {
        let read = |status, body: &str| Answer::read(Operation::Confirm, status, body.as_bytes()).class();
        assert_eq!(read(403, r#"{"code":"REJECT_CARD_PAYMENT","message":"x"}"#), "declined");
        assert_eq!(read(400, r#"{"code":"PROVIDER_ERROR","message":"x"}"#), "unknown");
        assert_eq!(read(400, r#"{"code":"NEVER_HEARD_OF","message":"x"}"#), "unknown");
        assert_eq!(read(401, r#"{"code":"UNAUTHORIZED_KEY","message":"x"}"#), "misconfigured");
        assert_eq!(read(429, r#"{"code":"REJECT_CARD_PAYMENT","message":"x"}"#), "unknown");
        assert_eq!(read(502, "<html>bad gateway</html>"), "unknown");
        assert_eq!(read(200, r#"{"paymentKey": "k", "#), "unknown");
    }
}

//! A refusal: the error answer of Toss, before it is written in one language.

use std::fmt;

use serde_json::{Value, json};

use crate::codes;

/// Why a call was refused: an HTTP status, a code and a message, as Toss would answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    code: String,
    korean: String,
    english: String,
}

impl Refusal {
    /// The refusal that Toss documents under this code.
    ///
    /// A code that is in no table is answered as a 400 with a plain message.
    pub fn new(code: &str) -> Self {
        match codes::find(code) {
            Some(known) => Self {
                status: known.status,
                code: known.code.to_owned(),
                korean: known.korean.to_owned(),
                english: known.english.to_owned(),
            },
            None => Self::custom(400, code, "The request was refused."),
        }
    }

    /// A refusal of one's own making, with the same message in both languages.
    pub fn custom(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), korean: message.to_owned(), english: message.to_owned() }
    }

    /// An `INVALID_REQUEST` that says what was wrong; used by the control calls, which help people.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::custom(400, "INVALID_REQUEST", &message.into())
    }

    /// The same refusal under another HTTP status.
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same refusal with another message.
    pub(crate) fn with_message(mut self, message: &str) -> Self {
        message.clone_into(&mut self.korean);
        message.clone_into(&mut self.english);
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The code, for example `NOT_FOUND_PAYMENT`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The message in English or, as Toss does by default, in Korean.
    pub fn message(&self, english: bool) -> &str {
        if english { &self.english } else { &self.korean }
    }

    /// The body `{code, message}` of a v1 error.
    pub(crate) fn body(&self, english: bool) -> Value {
        json!({ "code": self.code, "message": self.message(english) })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.english)
    }
}

impl std::error::Error for Refusal {}

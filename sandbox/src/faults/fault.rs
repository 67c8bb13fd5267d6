//! One fault: on which call, what goes wrong, and the particulars of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::MAX_DELAY_MS;
use crate::refusal::Refusal;

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `POST /v1/payments/confirm`
    Confirm,
    /// `GET /v1/payments/{paymentKey}` and `GET /v1/payments/orders/{orderId}`
    Get,
    /// `POST /v1/payments/{paymentKey}/cancel`
    Cancel,
    /// `GET /v1/transactions`
    Transactions,
    /// In a fault: whichever call comes. In the log of calls: one to no known path.
    Any,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The connection closes without an answer, and nothing happens.
    DropBefore,
    /// It happens, and the connection closes without an answer.
    DropAfter,
    /// It happens, and the answer comes late; or, with `delay_before`, it happens late.
    Delay,
    /// An error is answered, and nothing happens.
    ErrorBefore,
    /// It happens, and an error is answered.
    ErrorAfter,
    /// It happens, and a proxy's HTML page is answered (502 unless `status` says otherwise).
    Html,
    /// It happens, and the answer's JSON ends in the middle.
    TruncatedJson,
    /// 429 with a plain text and `Retry-After`, and nothing happens.
    RateLimited,
    /// 409 `IDEMPOTENT_REQUEST_PROCESSING`, as if the first call under the key still ran, and nothing happens.
    InFlight,
    /// A decline by `code`; a payment that is being confirmed becomes `ABORTED`.
    Reject,
}

/// One fault, waiting for its call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// On which call.
    pub operation: Operation,
    /// What goes wrong.
    pub fault: FaultKind,
    /// How many calls it spoils.
    #[serde(default = "once")]
    pub times: u32,
    /// How long a delay takes; a second when absent.
    #[serde(default)]
    pub delay_ms: Option<u64>,
    /// Whether a delay comes before the effect rather than after it.
    #[serde(default)]
    pub delay_before: bool,
    /// What `Retry-After` says of a 429, in seconds; 1 when absent.
    #[serde(default)]
    pub retry_after: Option<u32>,
    /// The HTTP status of the error.
    #[serde(default)]
    pub status: Option<u16>,
    /// The error's code.
    #[serde(default)]
    pub code: Option<String>,
    /// The error's message.
    #[serde(default)]
    pub message: Option<String>,
    /// Only calls about this order.
    #[serde(default)]
    pub order_id: Option<String>,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault that spoils the next call of this kind.
    pub fn new(operation: Operation, fault: FaultKind) -> Self {
        Self {
            operation,
            fault,
            times: 1,
            delay_ms: None,
            delay_before: false,
            retry_after: None,
            status: None,
            code: None,
            message: None,
            order_id: None,
        }
    }

    /// The same fault, this many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// The same fault, for one order only.
    #[must_use]
    pub fn for_order(mut self, order_id: impl Into<String>) -> Self {
        self.order_id = Some(order_id.into());
        self
    }

    /// The same fault with this delay.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay_ms = Some(u64::try_from(delay.as_millis()).unwrap_or(MAX_DELAY_MS));
        self
    }

    /// The same delay, before the effect.
    #[must_use]
    pub fn before(mut self) -> Self {
        self.delay_before = true;
        self
    }

    /// The same 429 with this `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The same fault with this code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The same fault with this HTTP status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The error to answer: for a decline a card's, else an internal one, unless a code was chosen.
    pub(crate) fn refusal(&self) -> Refusal {
        let usual = match self.fault {
            FaultKind::Reject => "REJECT_CARD_PAYMENT",
            _ => "FAILED_INTERNAL_SYSTEM_PROCESSING",
        };
        let mut refusal = Refusal::new(self.code.as_deref().unwrap_or(usual));
        if let Some(status) = self.status {
            refusal = refusal.with_status(status);
        }
        match &self.message {
            Some(message) => refusal.with_message(message),
            None => refusal,
        }
    }

    /// Refuses what could never be answered.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.times == 0 {
            return Err(Refusal::invalid("times must be at least 1"));
        }
        if self.status.is_some_and(|status| !(400..=599).contains(&status)) {
            // An HTML page can come with 200 too; that is what confuses clients most.
            if !(self.fault == FaultKind::Html && self.status == Some(200)) {
                return Err(Refusal::invalid("status must be 400 to 599 (or 200 for html)"));
            }
        }
        if self.delay_ms.is_some_and(|ms| ms > MAX_DELAY_MS) {
            return Err(Refusal::invalid("delayMs must be at most 600000"));
        }
        Ok(())
    }

    pub(super) fn fits(&self, operation: Operation, order_id: Option<&str>) -> bool {
        (self.operation == Operation::Any || self.operation == operation)
            && self.order_id.as_deref().is_none_or(|wanted| order_id == Some(wanted))
    }
}

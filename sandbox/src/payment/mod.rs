//! One payment: what is bound to its key, how its state moves, and how its money is counted.

pub(crate) mod parts;
pub(crate) mod view;

use std::time::Instant;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use crate::{means::Means, refusal::Refusal};

/// How long a buyer has to authenticate in the open window.
const AUTHENTICATE_WITHIN: Duration = Duration::minutes(30);

/// How long an authenticated payment waits for its confirm.
const CONFIRM_WITHIN: Duration = Duration::minutes(10);

/// The state of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// The window is open and the buyer has not authenticated.
    Ready,
    /// Authenticated; waits for the confirm.
    InProgress,
    /// A virtual account was issued and waits for its deposit.
    WaitingForDeposit,
    /// Paid.
    Done,
    /// Canceled in one piece.
    Canceled,
    /// Canceled in parts, even when nothing is left.
    PartialCanceled,
    /// The confirm was declined.
    Aborted,
    /// Authentication or confirm came too late.
    Expired,
}

/// One cancel of a payment.
#[derive(Debug, Clone)]
pub(crate) struct Cancel {
    pub(crate) amount: i64,
    pub(crate) tax_free: i64,
    pub(crate) tax_exemption: i64,
    pub(crate) reason: String,
    pub(crate) left: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) transaction_key: String,
    pub(crate) request_id: Option<String>,
}

/// A payment in the sandbox's books.
#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) key: String,
    pub(crate) order_id: String,
    pub(crate) order_name: String,
    pub(crate) customer_key: Option<String>,
    pub(crate) amount: i64,
    pub(crate) means: Means,
    pub(crate) status: Status,
    pub(crate) requested_at: DateTime<Utc>,
    pub(crate) authenticated_at: Option<DateTime<Utc>>,
    pub(crate) approved_at: Option<DateTime<Utc>>,
    /// What can still be canceled.
    pub(crate) balance: i64,
    /// The tax-free part of the balance.
    pub(crate) tax_free_left: i64,
    pub(crate) last_transaction_key: Option<String>,
    pub(crate) cancels: Vec<Cancel>,
    pub(crate) failure: Option<Refusal>,
    pub(crate) secret: Option<String>,
    /// When the shop last canceled, by a stopwatch that nobody can move.
    pub(crate) last_cancel: Option<Instant>,
}

impl Payment {
    /// When the open window or the authentication will have been left too long, if it can be.
    pub(crate) fn deadline(&self) -> Option<DateTime<Utc>> {
        match (self.status, self.authenticated_at) {
            (Status::Ready, _) => Some(self.requested_at + AUTHENTICATE_WITHIN),
            (Status::InProgress, Some(at)) => Some(at + CONFIRM_WITHIN),
            _ => None,
        }
    }

    /// The deadline has passed.
    pub(crate) fn expire(&mut self) {
        self.status = Status::Expired;
        // Which code an expired payment shows is not documented; the late confirm's is at hand.
        self.failure = Some(Refusal::new("NOT_FOUND_PAYMENT_SESSION"));
    }

    /// The buyer authenticates in the open window.
    pub(crate) fn authenticate(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        match self.status {
            Status::Ready => {
                self.status = Status::InProgress;
                self.authenticated_at = Some(now);
                Ok(())
            }
            Status::Expired => Err(Refusal::invalid("the window has expired: 30 minutes have passed")),
            _ => Err(Refusal::invalid("the payment is already authenticated")),
        }
    }

    /// Whether the order id is spent: money moved, or an account was issued for it.
    pub(crate) fn approved(&self) -> bool {
        matches!(
            self.status,
            Status::WaitingForDeposit | Status::Done | Status::Canceled | Status::PartialCanceled
        )
    }

    /// Whether a lookup finds it. A window that nobody authenticated is not a payment yet.
    pub(crate) fn visible(&self) -> bool {
        self.authenticated_at.is_some()
    }

    /// Value-added tax in the balance, rounded half up: one eleventh of what is taxed.
    pub(crate) fn vat(&self) -> i64 {
        let taxed = (self.balance - self.tax_free_left).max(0);
        (taxed * 2 + 11) / 22
    }

    /// The balance without its tax and without its tax-free part.
    pub(crate) fn supplied(&self) -> i64 {
        self.balance - self.tax_free_left - self.vat()
    }
}

//! What a run has found, for people and programs.

use chrono::{DateTime, SecondsFormat, Utc};
use entity::payment::{self, PaymentStatus};
use sea_orm::ActiveEnum;
use serde::{Serialize, Serializer};

use super::window::Window;
use crate::findings::Kind;
use crate::toss;

/// What a run has found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// First instant that was compared.
    #[serde(serialize_with = "instant")]
    pub from: DateTime<Utc>,
    /// First instant that was not.
    #[serde(serialize_with = "instant")]
    pub to: DateTime<Utc>,
    /// Why the run could not go on to its end; none when it did. What was found before still holds.
    pub failure: Option<String>,
    /// Rows of either side that were compared: all of Toss's, and those of ours that no row of Toss's speaks of.
    pub compared: u64,
    /// Rows that agree.
    pub matched: u64,
    /// Rows whose request may still be running; the next run compares them.
    pub under_way: u64,
    /// Payments that differed and no longer do.
    pub repaired: u64,
    /// Payments that differ still.
    pub open: u64,
    /// Every payment that differed.
    pub differences: Vec<Difference>,
}

/// A payment in which the books differ, or did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The order; Toss's word where we do not know it.
    pub order_id: String,
    /// The payment at Toss, where one is known.
    pub payment_key: Option<String>,
    /// In what they differ.
    #[serde(serialize_with = "kind")]
    pub kind: Kind,
    /// What our books say.
    pub ours: Option<String>,
    /// What Toss says.
    pub theirs: Option<String>,
    /// What that means, for operators.
    pub detail: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Our books now say what Toss says.
    Repaired,
    /// A person must look; it is written down as a finding.
    Reported,
    /// It is not known yet; whoever settles goes on asking.
    Unsettled,
}

impl Report {
    pub(super) fn new(window: Window) -> Self {
        Self {
            from: window.from,
            to: window.to,
            failure: None,
            compared: 0,
            matched: 0,
            under_way: 0,
            repaired: 0,
            open: 0,
            differences: Vec::new(),
        }
    }
}

impl Difference {
    /// What tells its finding from others of the same kind.
    pub(super) fn subject(&self) -> &str {
        match (self.kind, &self.payment_key) {
            // One order can be paid twice at Toss.
            (Kind::MissingHere, Some(key)) => key,
            _ => &self.order_id,
        }
    }
}

/// How our payment stands, in few words: its status, and what is left of how much.
pub(super) fn ours(payment: &payment::Model) -> String {
    format!("{} {}/{}", status(payment.status), payment.balance_amount, payment.amount)
}

/// Our status in Toss's words, which are also the tables'.
pub(super) fn status(status: PaymentStatus) -> String {
    status.to_value()
}

/// The same of Toss's. Money that never came is no balance.
pub(super) fn theirs(truth: &toss::Payment) -> String {
    let left = truth.approved_at.map_or(0, |_| truth.balance_amount);
    let currency = if truth.currency == "KRW" { String::new() } else { format!(" {}", truth.currency) };
    format!("{} {left}/{}{currency}", truth.status.name(), truth.total_amount)
}

fn instant<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

fn kind<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.name())
}

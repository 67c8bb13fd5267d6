//! The journal: one row for every approval and every cancel, from which transactions and ledger are read.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    clock,
    payment::{Payment, Status, view},
};

/// How many rows are remembered; the oldest is forgotten first.
const MAX_ROWS: usize = 1_000_000;

/// Which way money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LedgerKind {
    /// From the buyer to the shop.
    Approval,
    /// Back to the buyer.
    Cancel,
}

/// One movement of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// The shop's order.
    pub order_id: String,
    /// The payment.
    pub payment_key: String,
    /// The movement's own key.
    pub transaction_key: String,
    /// Approval or cancel.
    pub kind: LedgerKind,
    /// Won, always positive.
    pub amount: i64,
    /// When it happened, by the sandbox's clock.
    pub at: DateTime<Utc>,
}

/// One row: what `GET /v1/transactions` lists, and the money that moved with it, if any did.
#[derive(Debug)]
pub(crate) struct Row {
    entry: LedgerEntry,
    moved: bool,
    method: &'static str,
    customer_key: Option<String>,
    status: Status,
}

/// All rows, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    rows: VecDeque<Row>,
}

/// Which transactions are asked for.
#[derive(Debug)]
pub(crate) struct Range {
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    pub(crate) after: Option<String>,
    pub(crate) limit: usize,
}

impl Journal {
    /// Writes down what has just happened to a payment. `moved` says whether money did: issuing a
    /// virtual account, or canceling one before its deposit, moves none.
    pub(crate) fn write(
        &mut self,
        payment: &Payment,
        kind: LedgerKind,
        amount: i64,
        moved: bool,
        at: DateTime<Utc>,
    ) {
        if self.rows.len() >= MAX_ROWS {
            self.rows.pop_front();
        }
        self.rows.push_back(Row {
            entry: LedgerEntry {
                order_id: payment.order_id.clone(),
                payment_key: payment.key.clone(),
                transaction_key: payment.last_transaction_key.clone().unwrap_or_default(),
                kind,
                amount,
                at,
            },
            moved,
            method: payment.means.label(),
            customer_key: payment.customer_key.clone(),
            status: payment.status,
        });
    }

    /// The movements of money, in order.
    pub(crate) fn ledger(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.rows.iter().filter(|row| row.moved).map(|row| &row.entry)
    }

    /// The ledger with its sums, for people.
    pub(crate) fn summary(&self) -> Value {
        let (mut approved, mut canceled) = (0_i64, 0_i64);
        let mut orders: BTreeMap<&str, i64> = BTreeMap::new();
        for entry in self.ledger() {
            let balance = orders.entry(&entry.order_id).or_default();
            match entry.kind {
                LedgerKind::Approval => {
                    (approved, *balance) = (approved + entry.amount, *balance + entry.amount)
                }
                LedgerKind::Cancel => {
                    (canceled, *balance) = (canceled + entry.amount, *balance - entry.amount)
                }
            }
        }
        json!({
            "entries": self.ledger().collect::<Vec<_>>(),
            "totals": {"approved": approved, "canceled": canceled, "balance": approved - canceled},
            "orders": orders,
        })
    }

    /// The movements of one order with their sums, for people.
    pub(crate) fn order(&self, order_id: &str) -> Value {
        let entries: Vec<_> = self.ledger().filter(|entry| entry.order_id == order_id).collect();
        let sum =
            |kind| entries.iter().filter(|entry| entry.kind == kind).map(|entry| entry.amount).sum::<i64>();
        let (approved, canceled) = (sum(LedgerKind::Approval), sum(LedgerKind::Cancel));
        json!({
            "orderId": order_id,
            "entries": entries,
            "totals": {"approved": approved, "canceled": canceled, "balance": approved - canceled},
        })
    }

    /// The rows of a range as Toss lists them; nothing when the cursor is unknown.
    pub(crate) fn transactions(&self, range: &Range, base: &str) -> Option<Vec<Value>> {
        let start = match &range.after {
            None => 0,
            Some(key) => self.rows.iter().position(|row| row.entry.transaction_key == *key)? + 1,
        };
        let inside = |row: &&Row| {
            // The range is in whole seconds, as the rows are shown: fractions must not fall out of it.
            let second = row.entry.at.timestamp();
            second >= range.from.timestamp() && second <= range.to.timestamp()
        };
        let rows = self.rows.iter().skip(start).filter(inside).take(range.limit);
        Some(rows.map(|row| row.show(base)).collect())
    }
}

impl Row {
    fn show(&self, base: &str) -> Value {
        json!({
            "mId": view::MID,
            "transactionKey": self.entry.transaction_key,
            "paymentKey": self.entry.payment_key,
            "orderId": self.entry.order_id,
            "method": self.method,
            "customerKey": self.customer_key,
            "useEscrow": false,
            "receiptUrl": format!("{base}/sandbox/receipts/{}", self.entry.payment_key),
            "status": self.status,
            "transactionAt": clock::korean(self.entry.at),
            "currency": "KRW",
            "amount": self.entry.amount,
        })
    }
}

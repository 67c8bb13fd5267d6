//! What the dashboard tells of one order: the webhooks and findings that are about it.

use crate::dialect::statements;

statements! {
    /// Creates indexes.
    "m20261121_000005_search", UP, DOWN
}

const UP: &[&str] = &[
    "CREATE INDEX webhook_order_idx ON webhook (order_id, received_at) WHERE order_id IS NOT NULL",
    "CREATE INDEX finding_order_idx ON finding (order_id) WHERE order_id IS NOT NULL",
];

const DOWN: &[&str] = &["DROP INDEX finding_order_idx", "DROP INDEX webhook_order_idx"];

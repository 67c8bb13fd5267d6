//! What the index of webhooks that are over has made needless. A step of its own, as the one before, and for its reason.

use crate::dialect::statements;

statements! {
    /// Removes an index.
    "m20261123_000016_webhooks_over_alone", UP, DOWN
}

const UP: &[&str] = &["DROP INDEX IF EXISTS webhook_received_idx"];

const DOWN: &[&str] = &["CREATE INDEX webhook_received_idx ON webhook (received_at)"];

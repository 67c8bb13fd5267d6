//! Webhooks that are over and old enough are found by both, however many others there are.

use crate::dialect::statements;

statements! {
    /// Puts an index in another's place.
    "m20261123_000012_webhooks_over", UP, DOWN
}

const UP: &[&str] =
    &["CREATE INDEX webhook_over_idx ON webhook (status, received_at)", "DROP INDEX webhook_received_idx"];

const DOWN: &[&str] =
    &["CREATE INDEX webhook_received_idx ON webhook (received_at)", "DROP INDEX webhook_over_idx"];

//! Webhooks that are over and old enough are found by both, however many others there are.

use crate::dialect::statements;

statements! {
    /// Creates an index; a later step removes the one whose place it takes.
    "m20261123_000012_webhooks_over", UP, DOWN
}

const UP: &[&str] = &["CREATE INDEX webhook_over_idx ON webhook (status, received_at)"];

const DOWN: &[&str] = &["DROP INDEX webhook_over_idx"];

//! Lists of those whose subscription is over, however many have come after them.

use crate::dialect::statements;

statements! {
    /// Creates an index.
    "m20261122_000010_ended", UP, DOWN
}

const UP: &[&str] = &[
    "CREATE INDEX IF NOT EXISTS subscription_ended_idx ON subscription (created_at, id) WHERE changes_at IS NULL",
];

const DOWN: &[&str] = &["DROP INDEX subscription_ended_idx"];

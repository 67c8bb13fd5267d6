//! What many replicas and many rows need: who works on a run, how far it has come, the order in which subscriptions are
//! due, and the event total up to some day.

use crate::dialect::statements;

statements! {
    /// Creates two columns and a table, and replaces an index.
    "m20261121_000007_replicas", UP, DOWN
}

const UP: &[&str] = &[
    "ALTER TABLE job_run ADD COLUMN total {int} CHECK (total >= 0)",
    "ALTER TABLE job_run ADD COLUMN attempt integer NOT NULL DEFAULT 1 CHECK (attempt >= 1)",
    // The batches of the nightly job begin where the one before ended, also where many rows are due at one instant.
    // What all entries of the event total before an instant come to, so that nobody has to add them up each time.
    "CREATE TABLE event_total (
        ends_at {time} NOT NULL PRIMARY KEY,
        amount {int} NOT NULL
    ){strict}",
    "CREATE INDEX subscription_due_idx ON subscription (changes_at, id) WHERE changes_at IS NOT NULL",
    // Last, because it keeps everybody from the table until the step is committed.
    "DROP INDEX subscription_changes_idx",
];

const DOWN: &[&str] = &[
    "DROP TABLE event_total",
    "CREATE INDEX subscription_changes_idx ON subscription (changes_at) WHERE changes_at IS NOT NULL",
    "DROP INDEX subscription_due_idx",
    "ALTER TABLE job_run DROP COLUMN attempt",
    "ALTER TABLE job_run DROP COLUMN total",
];

//! Lists of those who wait for the nightly job, day by day in the order of the list, however many they are; and who among
//! them only changes plans.

use crate::dialect::statements;

statements! {
    /// Creates two indexes.
    "m20261123_000011_due_days", UP, DOWN
}

const UP: &[&str] = &[
    "CREATE INDEX IF NOT EXISTS subscription_due_day_idx ON subscription ({day of changes_at}, created_at, id)
        WHERE changes_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS subscription_switch_idx ON subscription (created_at, id) WHERE changes_at < end_date",
];

const DOWN: &[&str] = &["DROP INDEX subscription_switch_idx", "DROP INDEX subscription_due_day_idx"];

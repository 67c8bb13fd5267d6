//! What the indexes of the step before have made needless. A step of its own, because it keeps everybody from the table: who has
//! waited for that step to build them would wait for this one, and it for them.

use crate::dialect::statements;

statements! {
    /// Removes two indexes.
    "m20261123_000015_runs_and_ends_alone", UP, DOWN
}

const UP: &[&str] = &["DROP INDEX subscription_plan_idx", "DROP INDEX subscription_switch_idx"];

const DOWN: &[&str] = &[
    "CREATE INDEX subscription_switch_idx ON subscription (created_at, id) WHERE changes_at < end_date",
    "CREATE INDEX subscription_plan_idx ON subscription (plan_id, created_at, id)",
];

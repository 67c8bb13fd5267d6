//! Lists of those who run, however many have ended, and of a plan's, however many of its are of the other kind; and missed
//! changes of plans, however many are yet to come.

use crate::dialect::statements;

statements! {
    /// Creates four indexes; the next step removes the two whose place they take.
    "m20261123_000014_runs_and_ends", UP, DOWN
}

const UP: &[&str] = &[
    "CREATE INDEX IF NOT EXISTS subscription_running_idx ON subscription (created_at, id) WHERE changes_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS subscription_plan_running_idx ON subscription (plan_id, created_at, id)
        WHERE changes_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS subscription_plan_ended_idx ON subscription (plan_id, created_at, id)
        WHERE changes_at IS NULL",
    "CREATE INDEX IF NOT EXISTS subscription_switch_day_idx ON subscription ({day of changes_at}, created_at, id)
        WHERE changes_at < end_date",
];

const DOWN: &[&str] = &[
    "DROP INDEX subscription_switch_day_idx",
    "DROP INDEX subscription_plan_ended_idx",
    "DROP INDEX subscription_plan_running_idx",
    "DROP INDEX subscription_running_idx",
];

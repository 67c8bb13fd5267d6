//! Payments for one plan that stand in one way, however many others the plan has.

use crate::dialect::statements;

statements! {
    /// Creates an index. Of what is paid it says nothing: that is most of what a plan has, and found by its plan alone.
    "m20261123_000013_plan_standings", UP, DOWN
}

const UP: &[&str] =
    &["CREATE INDEX IF NOT EXISTS payment_plan_status_idx ON payment (plan_id, status, created_at, order_id)
        WHERE status <> 'DONE'"];

const DOWN: &[&str] = &["DROP INDEX payment_plan_status_idx"];

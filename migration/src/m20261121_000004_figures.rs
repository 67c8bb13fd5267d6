//! What figures are read from: indexes that answer them by themselves, and two facts that are cheap to write down when
//! they happen and dear to work out later.

use crate::dialect::statements;

statements! {
    /// Adds two columns and six indexes, one of them in place of a narrower one.
    "m20261121_000004_figures", UP, DOWN
}

const UP: &[&str] = &[
    "ALTER TABLE subscription_period ADD COLUMN renews {bool} NOT NULL DEFAULT false",
    // Whether earlier time was left, as far as the rows still tell: a refunded period counts until it was taken back.
    "UPDATE subscription_period SET renews = true WHERE EXISTS (SELECT 1 FROM subscription_period q
        WHERE q.subscription_id = subscription_period.subscription_id
        AND q.purchased_at < subscription_period.purchased_at AND q.ends_at >= subscription_period.purchased_at
        AND (q.revoked_at IS NULL OR q.revoked_at > subscription_period.purchased_at))",
    "ALTER TABLE payment_event ADD COLUMN payment_method text",
    // Revenue by day and approvals by method, without a look at the payments themselves; it still begins with what the
    // comparison with Toss's books reads.
    "DROP INDEX payment_approved_idx",
    "CREATE INDEX payment_approved_idx ON payment (approved_at, order_id, amount, payment_method)
        WHERE approved_at IS NOT NULL",
    // Only a failure has a code: a purchase that succeeds writes nothing here.
    "CREATE INDEX payment_event_failed_idx ON payment_event (created_at, cause, from_status, code, payment_method)
        WHERE code IS NOT NULL",
    // A key that failed is in no index of payments, and people look for it all the same.
    "CREATE INDEX payment_event_failed_key_idx ON payment_event (payment_key) WHERE code IS NOT NULL",
    "CREATE INDEX subscription_period_purchased_idx ON subscription_period (renews, purchased_at)",
    "CREATE INDEX subscription_period_running_idx ON subscription_period (ends_at) WHERE revoked_at IS NULL",
    "CREATE INDEX subscription_end_idx ON subscription (end_date)",
];

const DOWN: &[&str] = &[
    "DROP INDEX subscription_end_idx",
    "DROP INDEX subscription_period_running_idx",
    "DROP INDEX subscription_period_purchased_idx",
    "DROP INDEX payment_event_failed_key_idx",
    "DROP INDEX payment_event_failed_idx",
    "DROP INDEX payment_approved_idx",
    "CREATE INDEX payment_approved_idx ON payment (approved_at, order_id) WHERE approved_at IS NOT NULL",
    "ALTER TABLE payment_event DROP COLUMN payment_method",
    "ALTER TABLE subscription_period DROP COLUMN renews",
];

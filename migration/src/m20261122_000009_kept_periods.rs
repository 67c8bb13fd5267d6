//! Entitlement checks that read one row: a subscription keeps a copy of its periods.

use crate::dialect::statements;

statements! {
    /// Creates two columns. Binaries that do not know them leave `periods_as_of` behind `updated_at`, which tells the others
    /// to read the periods themselves.
    "m20261122_000009_kept_periods", UP, DOWN
}

const UP: &[&str] = &[
    "ALTER TABLE subscription ADD COLUMN periods text",
    "ALTER TABLE subscription ADD COLUMN periods_as_of {time}",
];

const DOWN: &[&str] =
    &["ALTER TABLE subscription DROP COLUMN periods_as_of", "ALTER TABLE subscription DROP COLUMN periods"];

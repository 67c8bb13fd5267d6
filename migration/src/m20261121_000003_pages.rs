//! What pages need: where buyers are sent back to, and who is signed in at the dashboard.

use crate::dialect::statements;

statements! {
    /// Creates two tables.
    "m20261121_000003_pages", UP, DOWN
}

const UP: &[&str] = &[
    "CREATE TABLE checkout (
        order_id text NOT NULL PRIMARY KEY,
        success_url text CHECK (length(success_url) <= 2000),
        fail_url text CHECK (length(fail_url) <= 2000),
        expires_at {time} NOT NULL
    ){strict}",
    "CREATE INDEX checkout_expires_idx ON checkout (expires_at)",
    "CREATE TABLE admin_session (
        id text NOT NULL PRIMARY KEY CHECK (length(id) = 64),
        credential text NOT NULL CHECK (length(credential) <= 100),
        created_at {time} NOT NULL,
        expires_at {time} NOT NULL,
        CHECK (expires_at > created_at)
    ){strict}",
    "CREATE INDEX admin_session_expires_idx ON admin_session (expires_at)",
];

const DOWN: &[&str] = &["DROP TABLE admin_session", "DROP TABLE checkout"];

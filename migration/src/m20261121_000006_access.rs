//! Who may do what, and who did it: API keys beyond the two configured ones, and the audit log.

use crate::dialect::statements;

statements! {
    /// Creates two tables.
    "m20261121_000006_access", UP, DOWN, append_only: ("audit_event", &["id"])
}

const UP: &[&str] = &[
    "CREATE TABLE api_key (
        id text NOT NULL PRIMARY KEY,
        name text CHECK (length(name) BETWEEN 1 AND 100),
        role text NOT NULL CHECK (role IN ('service', 'admin')),
        prefix text NOT NULL CONSTRAINT api_key_prefix_key UNIQUE CHECK (length(prefix) BETWEEN 1 AND 32),
        hash text NOT NULL CONSTRAINT api_key_hash_key UNIQUE CHECK (length(hash) = 64),
        created_at {time} NOT NULL,
        expires_at {time},
        revoked_at {time},
        last_used_at {time},
        CONSTRAINT api_key_expires_after_creation CHECK (expires_at IS NULL OR expires_at > created_at)
    ){strict}",
    "CREATE INDEX api_key_created_idx ON api_key (created_at, id)",
    "CREATE TABLE audit_event (
        id text NOT NULL PRIMARY KEY,
        at {time} NOT NULL,
        actor_kind text NOT NULL CHECK (actor_kind IN
            ('user', 'api_key', 'configured_key', 'dashboard', 'cli', 'system')),
        actor text NOT NULL CHECK (length(actor) BETWEEN 1 AND 100),
        address text CHECK (length(address) <= 64),
        action text NOT NULL CHECK (length(action) BETWEEN 1 AND 50),
        subject_kind text NOT NULL CHECK (length(subject_kind) BETWEEN 1 AND 50),
        subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
        \"before\" {json},
        \"after\" {json},
        request_id text CHECK (length(request_id) <= 128)
    ){strict}",
    "CREATE INDEX audit_event_at_idx ON audit_event (at, id)",
    "CREATE INDEX audit_event_action_idx ON audit_event (action, at, id)",
    "CREATE INDEX audit_event_actor_idx ON audit_event (actor, at, id)",
    "CREATE INDEX audit_event_subject_idx ON audit_event (subject, at, id)",
];

const DOWN: &[&str] = &["DROP TABLE audit_event", "DROP TABLE api_key"];

//! What recovery needs: webhooks, claimed idempotency keys, compensations, findings, and the account that a refund
//! waits for.

use crate::dialect::statements;

statements! {
    /// Creates four tables and a column.
    "m20261121_000002_recovery", UP, DOWN
}

const UP: &[&str] = &[
    // The database itself sees to it that an account is not kept beyond its use.
    "ALTER TABLE refund ADD COLUMN receive_account {json}
        CONSTRAINT refund_account_serves_only_pending CHECK (receive_account IS NULL OR status = 'PENDING')",
    // The comparison with Toss's books reads ours by the day on which the money moved.
    "CREATE INDEX payment_approved_idx ON payment (approved_at, order_id) WHERE approved_at IS NOT NULL",
    "CREATE INDEX refund_refunded_idx ON refund (refunded_at, id) WHERE refunded_at IS NOT NULL",
    "CREATE INDEX refund_pending_idx ON refund (created_at, id) WHERE next_settle_at IS NOT NULL",
    "CREATE TABLE webhook (
        id text NOT NULL PRIMARY KEY,
        dedupe_key text NOT NULL CONSTRAINT webhook_dedupe_key UNIQUE CHECK (length(dedupe_key) <= 200),
        event_type text NOT NULL CHECK (length(event_type) BETWEEN 1 AND 100),
        order_id text,
        payment_key text,
        body text NOT NULL,
        status text NOT NULL CHECK (status IN ('PENDING', 'DONE', 'IGNORED')),
        outcome text,
        tries integer NOT NULL CHECK (tries >= 0),
        next_try_at {time},
        received_at {time} NOT NULL,
        finished_at {time},
        CONSTRAINT webhook_pending_is_tried_again CHECK ((status = 'PENDING') = (next_try_at IS NOT NULL)),
        CONSTRAINT webhook_end_has_time CHECK ((status = 'PENDING') = (finished_at IS NULL))
    ){strict}",
    "CREATE INDEX webhook_due_idx ON webhook (next_try_at) WHERE next_try_at IS NOT NULL",
    "CREATE INDEX webhook_received_idx ON webhook (received_at)",
    "CREATE INDEX webhook_pending_idx ON webhook (received_at, id) WHERE next_try_at IS NOT NULL",
    "CREATE TABLE idempotency_key (
        id text NOT NULL PRIMARY KEY,
        caller text NOT NULL CHECK (length(caller) <= 100),
        key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
        fingerprint text NOT NULL,
        claim text NOT NULL,
        lease_until {time} NOT NULL,
        resource text,
        response_status integer CHECK (response_status BETWEEN 200 AND 599),
        response_headers {json},
        response_body text,
        created_at {time} NOT NULL,
        expires_at {time} NOT NULL,
        CONSTRAINT idempotency_key_caller_key UNIQUE (caller, key),
        CONSTRAINT idempotency_key_answer_is_whole CHECK ((response_status IS NULL) = (response_body IS NULL)),
        CHECK (expires_at > created_at)
    ){strict}",
    "CREATE INDEX idempotency_key_expires_idx ON idempotency_key (expires_at)",
    "CREATE TABLE compensation (
        payment_key text NOT NULL PRIMARY KEY CHECK (length(payment_key) BETWEEN 1 AND 200),
        order_id text NOT NULL REFERENCES payment (order_id),
        amount {int} NOT NULL CHECK (amount > 0),
        reason text NOT NULL,
        status text NOT NULL CHECK (status IN ('PENDING', 'DONE', 'FAILED')),
        idempotency_key text NOT NULL,
        failure_code text,
        failure_message text,
        next_settle_at {time},
        settle_tries integer NOT NULL CHECK (settle_tries >= 0),
        created_at {time} NOT NULL,
        finished_at {time},
        CONSTRAINT compensation_pending_is_asked_again CHECK ((status = 'PENDING') = (next_settle_at IS NOT NULL)),
        CONSTRAINT compensation_end_has_time CHECK ((status = 'PENDING') = (finished_at IS NULL))
    ){strict}",
    "CREATE INDEX compensation_order_idx ON compensation (order_id)",
    "CREATE INDEX compensation_status_idx ON compensation (status, finished_at, payment_key)",
    "CREATE INDEX compensation_settle_idx ON compensation (next_settle_at) WHERE next_settle_at IS NOT NULL",
    "CREATE TABLE finding (
        id text NOT NULL PRIMARY KEY,
        kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 50),
        subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 300),
        source text NOT NULL CHECK (source IN ('SETTLE', 'RECONCILE', 'CHECK')),
        order_id text,
        payment_key text,
        detail text NOT NULL,
        ours text,
        theirs text,
        first_seen_at {time} NOT NULL,
        last_seen_at {time} NOT NULL,
        resolved_at {time},
        CONSTRAINT finding_kind_subject_key UNIQUE (kind, subject)
    ){strict}",
    "CREATE INDEX finding_open_kind_idx ON finding (kind) WHERE resolved_at IS NULL",
    "CREATE INDEX finding_open_idx ON finding (first_seen_at, id) WHERE resolved_at IS NULL",
];

const DOWN: &[&str] = &[
    "DROP TABLE finding",
    "DROP TABLE compensation",
    "DROP TABLE idempotency_key",
    "DROP TABLE webhook",
    "DROP INDEX refund_refunded_idx",
    "DROP INDEX payment_approved_idx",
    "DROP INDEX refund_pending_idx",
    "ALTER TABLE refund DROP COLUMN receive_account",
];

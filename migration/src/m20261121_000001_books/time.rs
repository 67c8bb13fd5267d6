//! Paid time and the clockwork: subscriptions, their periods, the runs of jobs.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE subscription (
        id text NOT NULL PRIMARY KEY,
        user_id text NOT NULL CONSTRAINT subscription_user_key UNIQUE REFERENCES customer (user_id),
        plan_id text NOT NULL REFERENCES plan (id),
        status text NOT NULL CHECK (status IN ('ACTIVE', 'EXPIRED', 'CANCELED')),
        is_active {bool} NOT NULL,
        start_date {time} NOT NULL,
        end_date {time} NOT NULL,
        changes_at {time},
        created_at {time} NOT NULL,
        updated_at {time} NOT NULL,
        CHECK (end_date >= start_date),
        CONSTRAINT subscription_active_is_status CHECK (is_active = (status = 'ACTIVE')),
        CONSTRAINT subscription_active_will_change CHECK ((status = 'ACTIVE') = (changes_at IS NOT NULL))
    ){strict}",
    "CREATE INDEX subscription_created_idx ON subscription (created_at, id)",
    "CREATE INDEX subscription_plan_idx ON subscription (plan_id, created_at, id)",
    "CREATE INDEX subscription_changes_idx ON subscription (changes_at) WHERE changes_at IS NOT NULL",
    "CREATE TABLE subscription_period (
        id text NOT NULL PRIMARY KEY,
        subscription_id text NOT NULL REFERENCES subscription (id),
        order_id text NOT NULL CONSTRAINT subscription_period_order_key UNIQUE REFERENCES payment (order_id),
        plan_id text NOT NULL REFERENCES plan (id),
        amount {int} NOT NULL CHECK (amount > 0),
        interval_months integer NOT NULL CHECK (interval_months BETWEEN 1 AND 120),
        purchased_at {time} NOT NULL,
        starts_at {time} NOT NULL,
        ends_at {time} NOT NULL,
        revoked_at {time},
        created_at {time} NOT NULL,
        CHECK (ends_at > starts_at)
    ){strict}",
    "CREATE INDEX subscription_period_subscription_idx ON subscription_period (subscription_id, starts_at)",
    "CREATE TABLE job_run (
        id text NOT NULL PRIMARY KEY,
        name text NOT NULL,
        scheduled_for {time} NOT NULL,
        started_at {time} NOT NULL,
        finished_at {time},
        status text NOT NULL CHECK (status IN ('RUNNING', 'DONE', 'FAILED')),
        affected {int} NOT NULL CHECK (affected >= 0),
        lease_until {time} NOT NULL,
        error text,
        CONSTRAINT job_run_due_key UNIQUE (name, scheduled_for),
        CHECK ((status = 'RUNNING') = (finished_at IS NULL))
    ){strict}",
    "CREATE UNIQUE INDEX job_run_one_running_key ON job_run (name) WHERE status = 'RUNNING'",
];

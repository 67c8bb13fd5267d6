//! What is sold and to whom: plans, customers, quoted orders.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE plan (
        id text NOT NULL PRIMARY KEY,
        code text NOT NULL CONSTRAINT plan_code_key UNIQUE,
        name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
        type text NOT NULL CHECK (type IN ('BASIC', 'PREMIUM', 'EVENT')),
        price {int} NOT NULL CHECK (price > 0),
        currency text NOT NULL CHECK (currency = 'KRW'),
        interval_months integer CHECK (interval_months BETWEEN 1 AND 120),
        is_active {bool} NOT NULL,
        created_at {time} NOT NULL,
        updated_at {time} NOT NULL,
        CONSTRAINT plan_event_sells_no_time CHECK ((type = 'EVENT') = (interval_months IS NULL))
    ){strict}",
    "CREATE INDEX plan_created_idx ON plan (created_at, id)",
    "CREATE TABLE customer (
        user_id text NOT NULL PRIMARY KEY CHECK (length(user_id) BETWEEN 1 AND 64),
        customer_key text NOT NULL CONSTRAINT customer_key_key UNIQUE,
        created_at {time} NOT NULL
    ){strict}",
    "CREATE TABLE temp_order (
        order_id text NOT NULL PRIMARY KEY CHECK (length(order_id) BETWEEN 6 AND 64),
        user_id text NOT NULL REFERENCES customer (user_id),
        plan_id text NOT NULL REFERENCES plan (id),
        order_name text NOT NULL CHECK (length(order_name) BETWEEN 1 AND 100),
        total_amount {int} NOT NULL CHECK (total_amount > 0),
        currency text NOT NULL CHECK (currency = 'KRW'),
        interval_months integer CHECK (interval_months BETWEEN 1 AND 120),
        created_at {time} NOT NULL,
        expires_at {time} NOT NULL,
        CHECK (expires_at > created_at)
    ){strict}",
    "CREATE INDEX temp_order_expires_idx ON temp_order (expires_at)",
];

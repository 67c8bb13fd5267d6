//! What many replicas and many rows need: who works on a run, how far it has come, the order in which subscriptions are
//! due, the event total up to some day, and purchases that share no lock.

use crate::dialect::statements;

statements! {
    /// Creates two columns and a table, replaces an index, and on PostgreSQL the foreign keys to plans.
    "m20261121_000007_replicas", UP, DOWN, postgres: (POSTGRES_UP, POSTGRES_DOWN)
}

const UP: &[&str] = &[
    "ALTER TABLE job_run ADD COLUMN total {int} CHECK (total >= 0)",
    "ALTER TABLE job_run ADD COLUMN attempt integer NOT NULL DEFAULT 1 CHECK (attempt >= 1)",
    // The batches of the nightly job begin where the one before ended, also where many rows are due at one instant.
    // What all entries of the event total before an instant come to, so that nobody has to add them up each time.
    "CREATE TABLE event_total (
        ends_at {time} NOT NULL PRIMARY KEY,
        amount {int} NOT NULL
    ){strict}",
    "CREATE INDEX subscription_due_idx ON subscription (changes_at, id) WHERE changes_at IS NOT NULL",
    // Last, because it keeps everybody from the table until the step is committed.
    "DROP INDEX subscription_changes_idx",
];

const DOWN: &[&str] = &[
    "DROP TABLE event_total",
    "CREATE INDEX subscription_changes_idx ON subscription (changes_at) WHERE changes_at IS NOT NULL",
    "DROP INDEX subscription_due_idx",
    "ALTER TABLE job_run DROP COLUMN attempt",
    "ALTER TABLE job_run DROP COLUMN total",
];

const POSTGRES_UP: &[&str] = &[
    // A foreign key locks the row that it refers to, and all buyers of a plan would share that lock. Plans are never
    // deleted, so a look is enough. The schema is named, because a restore looks for tables in none.
    "DO $do$ BEGIN EXECUTE format($format$
        CREATE FUNCTION refuse_unknown_plan() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NOT EXISTS (SELECT 1 FROM %I.plan WHERE id = NEW.plan_id) THEN
                RAISE EXCEPTION 'a row of %% violates the foreign key constraint to plan: there is no %%',
                    TG_TABLE_NAME, NEW.plan_id USING ERRCODE = 'foreign_key_violation';
            END IF;
            RETURN NEW;
        END $$
    $format$, current_schema()); END $do$",
    "CREATE FUNCTION refuse_lost_plan() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'a plan is never removed, by the foreign key constraint of what was sold of it'
            USING ERRCODE = 'foreign_key_violation';
    END $$",
    "CREATE TRIGGER plan_stays BEFORE DELETE ON plan FOR EACH ROW EXECUTE FUNCTION refuse_lost_plan()",
    "CREATE TRIGGER plan_keeps_id BEFORE UPDATE OF id ON plan FOR EACH ROW WHEN (OLD.id <> NEW.id)
        EXECUTE FUNCTION refuse_lost_plan()",
    "CREATE TRIGGER plan_no_truncate BEFORE TRUNCATE ON plan FOR EACH STATEMENT EXECUTE FUNCTION refuse_lost_plan()",
    "CREATE TRIGGER temp_order_plan_is_there BEFORE INSERT ON temp_order FOR EACH ROW EXECUTE FUNCTION refuse_unknown_plan()",
    "CREATE TRIGGER temp_order_plan_stays_there BEFORE UPDATE OF plan_id ON temp_order FOR EACH ROW
        WHEN (OLD.plan_id <> NEW.plan_id) EXECUTE FUNCTION refuse_unknown_plan()",
    "ALTER TABLE temp_order DROP CONSTRAINT temp_order_plan_id_fkey",
    "CREATE TRIGGER payment_plan_is_there BEFORE INSERT ON payment FOR EACH ROW EXECUTE FUNCTION refuse_unknown_plan()",
    "CREATE TRIGGER payment_plan_stays_there BEFORE UPDATE OF plan_id ON payment FOR EACH ROW
        WHEN (OLD.plan_id <> NEW.plan_id) EXECUTE FUNCTION refuse_unknown_plan()",
    "ALTER TABLE payment DROP CONSTRAINT payment_plan_id_fkey",
    "CREATE TRIGGER subscription_plan_is_there BEFORE INSERT ON subscription FOR EACH ROW EXECUTE FUNCTION refuse_unknown_plan()",
    "CREATE TRIGGER subscription_plan_stays_there BEFORE UPDATE OF plan_id ON subscription FOR EACH ROW
        WHEN (OLD.plan_id <> NEW.plan_id) EXECUTE FUNCTION refuse_unknown_plan()",
    "ALTER TABLE subscription DROP CONSTRAINT subscription_plan_id_fkey",
    "CREATE TRIGGER subscription_period_plan_is_there BEFORE INSERT ON subscription_period FOR EACH ROW EXECUTE FUNCTION refuse_unknown_plan()",
    "CREATE TRIGGER subscription_period_plan_stays_there BEFORE UPDATE OF plan_id ON subscription_period FOR EACH ROW
        WHEN (OLD.plan_id <> NEW.plan_id) EXECUTE FUNCTION refuse_unknown_plan()",
    "ALTER TABLE subscription_period DROP CONSTRAINT subscription_period_plan_id_fkey",
];

const POSTGRES_DOWN: &[&str] = &[
    "ALTER TABLE temp_order ADD CONSTRAINT temp_order_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES plan (id)",
    "DROP TRIGGER temp_order_plan_stays_there ON temp_order",
    "DROP TRIGGER temp_order_plan_is_there ON temp_order",
    "ALTER TABLE payment ADD CONSTRAINT payment_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES plan (id)",
    "DROP TRIGGER payment_plan_stays_there ON payment",
    "DROP TRIGGER payment_plan_is_there ON payment",
    "ALTER TABLE subscription ADD CONSTRAINT subscription_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES plan (id)",
    "DROP TRIGGER subscription_plan_stays_there ON subscription",
    "DROP TRIGGER subscription_plan_is_there ON subscription",
    "ALTER TABLE subscription_period ADD CONSTRAINT subscription_period_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES plan (id)",
    "DROP TRIGGER subscription_period_plan_stays_there ON subscription_period",
    "DROP TRIGGER subscription_period_plan_is_there ON subscription_period",
    "DROP TRIGGER plan_no_truncate ON plan",
    "DROP TRIGGER plan_keeps_id ON plan",
    "DROP TRIGGER plan_stays ON plan",
    "DROP FUNCTION refuse_lost_plan()",
    "DROP FUNCTION refuse_unknown_plan()",
];

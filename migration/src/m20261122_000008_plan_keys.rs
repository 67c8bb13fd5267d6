//! Purchases that share no lock: on PostgreSQL, triggers in the place of the foreign keys to plans.

use crate::dialect::statements;

statements! {
    /// Replaces the foreign keys to plans on PostgreSQL, where they lock.
    "m20261122_000008_plan_keys", UP, DOWN, postgres: (POSTGRES_UP, POSTGRES_DOWN)
}

const UP: &[&str] = &[];

const DOWN: &[&str] = &[];

const POSTGRES_UP: &[&str] = &[
    // In the order in which purchases take them, so that none of them and this step wait for each other.
    "LOCK TABLE payment, subscription, subscription_period, temp_order, plan IN ACCESS EXCLUSIVE MODE",
    // A foreign key locks the row that it refers to, and all buyers of a plan would share that lock. Plans are never
    // deleted, so a look is enough. The schema is named, because a restore looks for tables in none.
    "DO $do$ BEGIN EXECUTE format($format$
        CREATE FUNCTION refuse_unknown_plan() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NOT EXISTS (SELECT 1 FROM %s.plan WHERE id = NEW.plan_id) THEN
                RAISE EXCEPTION 'a row of %% violates the foreign key constraint to plan: there is no %%',
                    TG_TABLE_NAME, NEW.plan_id USING ERRCODE = 'foreign_key_violation';
            END IF;
            RETURN NEW;
        END $$
    $format$, (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'plan'::regclass)); END $do$",
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

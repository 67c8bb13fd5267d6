//! Many subscribers at once, copied by SQL from one who really bought: for what is worth watching only in numbers.

use chrono::Duration;
use entity::subscription::{self, SubscriptionStatus};
use sea_orm::{
    ColumnTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, EntityTrait, PaginatorTrait,
    QueryFilter, Statement,
};

use super::process::eventually;
use super::world::{Order, World};

/// Copies what the buyer of `order` has for `number` further users, whom no Toss knows.
pub(crate) async fn copy(world: &World, order: &Order, number: usize) {
    world.forge();
    let id = |head: &str| format!("'{head}-0000-7000-8000-' || CAST(100000000000 + n AS text)");
    let (subscription, period) = (id("01990000"), id("01990001"));
    let statements = [
        ("user_id", "customer (user_id, customer_key, created_at)
            SELECT user_id || '-' || n, customer_key || '-' || n, created_at FROM customer".to_owned()),
        ("order_id", "payment (order_id, user_id, plan_id, order_name, amount, balance_amount, currency,
                interval_months, status, approved_at, attempt, settle_tries, not_found_count, created_at, updated_at)
            SELECT order_id || '-' || n, user_id || '-' || n, plan_id, order_name, amount, balance_amount, currency,
                interval_months, status, approved_at, attempt, settle_tries, not_found_count, created_at, updated_at
            FROM payment".to_owned()),
        ("user_id", format!("subscription (id, user_id, plan_id, status, is_active, start_date, end_date, changes_at,
                created_at, updated_at)
            SELECT {subscription}, user_id || '-' || n, plan_id, status, is_active, start_date, end_date, changes_at,
                created_at, updated_at FROM subscription")),
        ("order_id", format!("subscription_period (id, subscription_id, order_id, plan_id, amount, interval_months,
                purchased_at, starts_at, ends_at, created_at)
            SELECT {period}, {subscription}, order_id || '-' || n, plan_id, amount, interval_months, purchased_at,
                starts_at, ends_at, created_at FROM subscription_period")),
        // A purchase moves twice: when it is claimed, and when it is approved.
        ("order_id", format!("payment_event (id, order_id, from_status, to_status, cause, balance_amount, created_at)
            SELECT CASE WHEN from_status IS NULL THEN {} ELSE {} END, order_id || '-' || n, from_status, to_status,
                cause, balance_amount, created_at FROM payment_event", id("01990002"), id("01990003"))),
    ];
    let user = world.payment(order).await["userId"].as_str().expect("a user").to_owned();
    for (column, statement) in statements {
        let own = if column == "user_id" { &user } else { &order.order_id };
        let sql = format!(
            "WITH RECURSIVE crowd (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM crowd WHERE n < {number})
             INSERT INTO {statement}, crowd WHERE {column} = '{own}'"
        );
        world.app.db.read().execute_unprepared(&sql).await.expect("copied");
    }
}

/// More than two batches of the nightly job.
pub(crate) const MANY: usize = 4_500;

/// [`MANY`] subscribers whose time is over by the clock of the machine, which other processes see too.
pub(crate) async fn lapsed(world: &World) {
    world.advance(Duration::days(-40));
    let order = world.buy("u1", &world.basic().await).await;
    copy(world, &order, MANY - 1).await;
    world.advance(Duration::days(40));
}

/// How many subscriptions have been expired in their columns.
pub(crate) async fn expired(world: &World) -> u64 {
    let ended = subscription::Column::Status.eq(SubscriptionStatus::Expired);
    subscription::Entity::find().filter(ended).count(world.app.db.read()).await.expect("counted")
}

/// A transaction on a connection of its own, which holds one row until it is let go.
pub(crate) struct Hold(DatabaseConnection);

impl Hold {
    /// Holds the subscription that is due as number `place`, counted from nought: PostgreSQL only, since SQLite's single
    /// writer would hold everybody.
    pub(crate) async fn subscription(world: &World, place: usize) -> Self {
        let row = format!(
            "SELECT 1 FROM subscription WHERE id =
                (SELECT id FROM subscription ORDER BY changes_at, id LIMIT 1 OFFSET {place}) FOR UPDATE"
        );
        Self::of(world, &row).await
    }

    /// Holds the payment of `order`, on PostgreSQL only for the same reason.
    pub(crate) async fn payment(world: &World, order: &Order) -> Self {
        let row = format!("SELECT 1 FROM payment WHERE order_id = '{}' FOR UPDATE", order.order_id);
        Self::of(world, &row).await
    }

    /// Whatever `sql` locks or changes, until it is let go.
    pub(crate) async fn of(world: &World, sql: &str) -> Self {
        let mut one = ConnectOptions::new(&world.variables["GUDOK__DATABASE__URL"]);
        one.max_connections(1);
        let connection = Database::connect(one).await.expect("connected");
        connection.execute_unprepared(&format!("BEGIN; {sql}")).await.expect("held");
        Self(connection)
    }

    /// Whatever `sql` locks or changes as well; returns when it has it.
    pub(crate) async fn also(&self, sql: &str) {
        self.0.execute_unprepared(sql).await.expect("held");
    }

    /// Lets it go.
    pub(crate) async fn release(self) {
        self.0.execute_unprepared("COMMIT").await.expect("let go");
    }
}

/// Returns as soon as `many` wait for rows that somebody holds.
pub(crate) async fn awaited_by(world: &World, many: i64) {
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let db = world.app.db.read();
    let wait = async || {
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), waiting)).await;
        let count: i64 = row.expect("asked").expect("a row").try_get_by_index(0).expect("a count");
        (count >= many).then_some(())
    };
    eventually("they wait", wait).await;
}

//! What PostgreSQL has read, as it counts itself.

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};

use super::process::eventually;
use super::world::World;

/// So many rows that a planner who may choose takes an index.
pub(crate) const MANY: usize = 20_000;

/// The first column of the first row, as text.
pub(crate) async fn text(db: &DatabaseConnection, sql: &str) -> Option<String> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await.expect("asked");
    row.and_then(|row| row.try_get_by_index(0).expect("a text"))
}

/// A single connection. It tells what it has counted when it ends.
pub(crate) async fn connection(world: &World) -> DatabaseConnection {
    let mut one = ConnectOptions::new(&world.variables["GUDOK__DATABASE__URL"]);
    one.max_connections(1);
    Database::connect(one).await.expect("connected")
}

/// Waits until nobody else is connected.
pub(crate) async fn alone(db: &DatabaseConnection) {
    let alone = "SELECT 'alone' WHERE NOT EXISTS (SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid())";
    eventually("the others have gone", async || text(db, alone).await).await;
}

/// How many entries of the indexes of `tables` have been read.
pub(crate) async fn rows_read(db: &DatabaseConnection, tables: &[&str]) -> i64 {
    let tables = tables.join("', '");
    let sql =
        format!("SELECT SUM(idx_tup_read)::text FROM pg_stat_user_indexes WHERE relname IN ('{tables}')");
    text(db, &sql).await.expect("a sum").parse().expect("a number")
}

/// How often each of `tables` has been read as a whole.
pub(crate) async fn scans(db: &DatabaseConnection, tables: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for table in tables {
        let sql =
            format!("SELECT '{table}: ' || seq_scan FROM pg_stat_user_tables WHERE relname = '{table}'");
        found.extend(text(db, &sql).await);
    }
    found
}

//! How the databases answer the figures: by an index, whatever the number of rows.

use chrono_tz::Asia::Seoul;
use gudok::figures::{Days, statements};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, Statement};

use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![no_figure_looks_at_every_row_of_a_table_that_grows];

/// Tables that grow with business, with what the statements call them.
const GROWING: [(&str, &str); 6] = [
    ("payment", "p"),
    ("payment_event", "e"),
    ("refund", "r"),
    ("subscription_period", "p"),
    ("subscription", "s"),
    ("event_amount", "e"),
];

async fn no_figure_looks_at_every_row_of_a_table_that_grows(world: &World) {
    let mut options = ConnectOptions::new(&world.variables["GUDOK__DATABASE__URL"]);
    options.max_connections(1);
    let db = Database::connect(options).await.expect("connected");
    if world.backend == Backend::Postgres {
        // So small a table is read as a whole unless that is forbidden; where no index serves, it is read all the same.
        db.execute_unprepared("SET enable_seqscan = off").await.expect("set");
    }
    let now = world.app.clock.now();
    let backend = db.get_database_backend();
    for number in [1, 30, 90, 366] {
        let days = Days::last(number, Seoul, now).expect("days");
        for (name, asked) in statements(backend, &days, now) {
            let explain = if world.backend == Backend::Sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
            let sql = format!("{explain} {}", asked.sql);
            let asked = Statement { sql, ..asked };
            let rows = db.query_all_raw(asked).await.expect("explained");
            let column = if world.backend == Backend::Sqlite { "detail" } else { "QUERY PLAN" };
            let plan: Vec<String> = rows.iter().map(|row| row.try_get("", column).expect("a line")).collect();
            for line in &plan {
                let whole = GROWING.iter().any(|(table, alias)| {
                    line.contains(&format!("Seq Scan on {table} "))
                        || line.starts_with(&format!("SCAN {alias} "))
                        || line.ends_with(&format!("SCAN {alias}"))
                        || line.contains(&format!("SCAN {table}"))
                        // SQLite reads a whole table to build an index for one statement.
                        || line.contains(&format!("{alias} USING AUTOMATIC"))
                });
                // An index of what is open holds nothing else: all of it is wanted.
                let open = line.contains("_settle_idx") || line.contains("_pending_idx");
                assert!(!whole || open, "{name}, {number} days: {plan:#?}");
            }
        }
    }
}

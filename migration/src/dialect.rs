//! The few words in which the two databases' DDL differs, so that each table is written once.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Runs `ddl` after replacing `{time}`, `{bool}`, `{json}`, `{int}` and `{strict}` by what the database calls them, and
/// `{day of changes_at}` by that day in UTC. SQLite's STRICT tables refuse a text in an amount as PostgreSQL does.
pub(crate) async fn run(manager: &SchemaManager<'_>, ddl: &str) -> Result<(), DbErr> {
    let words = match manager.get_database_backend() {
        DbBackend::Sqlite => ["text", "integer", "text", "integer", " STRICT", "substr(changes_at, 1, 10)"],
        _ => ["timestamptz", "boolean", "jsonb", "bigint", "", "((changes_at AT TIME ZONE 'UTC')::date)"],
    };
    let slots = ["{time}", "{bool}", "{json}", "{int}", "{strict}", "{day of changes_at}"];
    let sql = slots.iter().zip(words).fold(ddl.to_owned(), |sql, (slot, word)| sql.replace(slot, word));
    manager.get_connection().execute_unprepared(&sql).await.map(drop)
}

/// [`run`] for statements that only PostgreSQL needs.
pub(crate) async fn run_on_postgres(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        for ddl in statements {
            run(manager, ddl).await?;
        }
    }
    Ok(())
}

/// A migration that is a list of statements up and one down, each run by [`run`] in one transaction. With `append_only`, a
/// table and its unique columns follow for [`append_only`]; with `postgres`, two more lists, which only PostgreSQL needs.
macro_rules! statements {
    ($(#[$doc:meta])* $name:literal, $up:ident, $down:ident $(, append_only: ($table:literal, $unique:expr))?
        $(, postgres: ($postgres_up:ident, $postgres_down:ident))?) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct Migration;

        impl sea_orm_migration::MigrationName for Migration {
            fn name(&self) -> &str {
                $name
            }
        }

        #[async_trait::async_trait]
        impl sea_orm_migration::MigrationTrait for Migration {
            fn use_transaction(&self) -> Option<bool> {
                Some(true)
            }

            async fn up(
                &self,
                manager: &sea_orm_migration::SchemaManager,
            ) -> Result<(), sea_orm_migration::DbErr> {
                for ddl in $up {
                    $crate::dialect::run(manager, ddl).await?;
                }
                $($crate::dialect::append_only(manager, $table, $unique).await?;)?
                $($crate::dialect::run_on_postgres(manager, $postgres_up).await?;)?
                Ok(())
            }

            async fn down(
                &self,
                manager: &sea_orm_migration::SchemaManager,
            ) -> Result<(), sea_orm_migration::DbErr> {
                $($crate::dialect::run_on_postgres(manager, $postgres_down).await?;)?
                for ddl in $down {
                    $crate::dialect::run(manager, ddl).await?;
                }
                Ok(())
            }
        }
    };
}
pub(crate) use statements;

/// Makes `table`, whose columns `unique` each identify a row, append-only: the database itself refuses to change,
/// delete or replace one.
pub(crate) async fn append_only(
    manager: &SchemaManager<'_>,
    table: &str,
    unique: &[&str],
) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let triggers = if manager.get_database_backend() == DbBackend::Sqlite {
        let refuse = format!("BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END");
        let same: Vec<String> = unique.iter().map(|column| format!("{column} = NEW.{column}")).collect();
        vec![
            format!("CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}"),
            format!("CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}"),
            // INSERT OR REPLACE deletes without firing the trigger above.
            format!(
                "CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} \
                 WHEN EXISTS (SELECT 1 FROM {table} WHERE {}) {refuse}",
                same.join(" OR ")
            ),
        ]
    } else {
        let refuse = "EXECUTE FUNCTION refuse_change()";
        vec![
            format!(
                "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {refuse}"
            ),
            format!(
                "CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}"
            ),
        ]
    };
    for trigger in triggers {
        connection.execute_unprepared(&trigger).await?;
    }
    Ok(())
}

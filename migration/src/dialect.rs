//! The few words in which the two databases' DDL differs, so that each table is written once.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Runs `ddl` after replacing `{time}`, `{bool}`, `{json}`, `{int}` and `{strict}` by what the database calls them.
/// SQLite's STRICT tables refuse a text in an amount as PostgreSQL does.
pub(crate) async fn run(manager: &SchemaManager<'_>, ddl: &str) -> Result<(), DbErr> {
    let words = match manager.get_database_backend() {
        DbBackend::Sqlite => ["text", "integer", "text", "integer", " STRICT"],
        _ => ["timestamptz", "boolean", "jsonb", "bigint", ""],
    };
    let slots = ["{time}", "{bool}", "{json}", "{int}", "{strict}"];
    let sql = slots.iter().zip(words).fold(ddl.to_owned(), |sql, (slot, word)| sql.replace(slot, word));
    manager.get_connection().execute_unprepared(&sql).await.map(drop)
}

/// Makes `table` append-only: the database itself refuses to change or delete a row.
pub(crate) async fn append_only(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    if manager.get_database_backend() == DbBackend::Sqlite {
        for act in ["update", "delete"] {
            let sql = format!(
                "CREATE TRIGGER {table}_no_{act} BEFORE {act} ON {table} \
                 BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            );
            connection.execute_unprepared(&sql).await?;
        }
        return Ok(());
    }
    let sql = format!(
        "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} \
         FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    );
    connection.execute_unprepared(&sql).await.map(drop)
}

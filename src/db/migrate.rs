//! Brings the schema up to date, one process at a time, and tells whether it is.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use secrecy::SecretString;

use super::Database;

/// The name under which migrating processes queue on PostgreSQL ("gudok" in ASCII).
const ADVISORY_LOCK: i64 = 0x67_75_64_6f_6b;

/// Applies every step that is missing.
///
/// # Errors
/// The database's own.
pub async fn up(url: &SecretString) -> Result<(), DbErr> {
    let database = alone(url).await?;
    let outcome = Migrator::up(database.read(), None).await;
    database.close().await;
    outcome
}

/// Takes every step back, dropping all data.
///
/// # Errors
/// The database's own.
pub async fn down(url: &SecretString) -> Result<(), DbErr> {
    let database = alone(url).await?;
    let outcome = Migrator::down(database.read(), None).await;
    database.close().await;
    outcome
}

/// Whether no step is missing.
///
/// # Errors
/// The database's own.
pub async fn is_current(database: &Database) -> Result<bool, DbErr> {
    Ok(Migrator::get_pending_migrations_read_only(database.read()).await?.is_empty())
}

/// A single connection that holds the right to migrate until it closes.
async fn alone(url: &SecretString) -> Result<Database, DbErr> {
    let database = Database::connect(url, Some(1)).await?;
    let lock = match database.read().get_database_backend() {
        DbBackend::Postgres => format!("SET statement_timeout = 0; SELECT pg_advisory_lock({ADVISORY_LOCK})"),
        // The first transaction takes the lock, and in this mode keeps it until the connection closes.
        _ => "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT".to_owned(),
    };
    database.read().execute_unprepared(&lock).await?;
    Ok(database)
}

//! Brings the schema up to date, one process at a time, and tells whether it is.

use std::collections::HashSet;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use migration::{Migrator, MigratorTrait, SchemaManager};
use sea_orm::{ConnectionTrait, DbErr, Statement};
use secrecy::{ExposeSecret, SecretString};

use super::error::{lock_timed_out, lost_to_another};
use super::{Database, prepare_folder};

/// The name under which migrating processes queue on PostgreSQL ("gudok" in ASCII).
const ADVISORY_LOCK: i64 = 0x67_75_64_6f_6b;
/// How long a step waits for a table while everybody else waits behind it.
const LOCK_TIMEOUT: &str = "2s";
/// How often it is tried, and how long it pauses in between.
const MOST_TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_secs(3);

/// Applies every step that is missing.
///
/// # Errors
/// The database's own.
pub async fn up(url: &SecretString) -> Result<(), DbErr> {
    let alone = alone(url).await?;
    if is_current(&alone.database).await? {
        // A newer version may have been here, whose steps the migrator would not know.
        alone.database.close().await;
        return Ok(());
    }
    let mut outcome = Migrator::up(alone.database.read().unbounded(), None).await;
    for _ in 1..MOST_TRIES {
        match &outcome {
            // Somebody reads a table for long, or a purchase and the step wait for each other. Nobody else could use the
            // table while we waited for our turn, so we go and come.
            Err(error) if lock_timed_out(error) || lost_to_another(error) => tokio::time::sleep(PAUSE).await,
            Ok(()) | Err(_) => break,
        }
        outcome = Migrator::up(alone.database.read().unbounded(), None).await;
    }
    alone.database.close().await;
    outcome
}

/// Takes every step back, dropping all data.
///
/// # Errors
/// The database's own.
pub async fn down(url: &SecretString) -> Result<(), DbErr> {
    let alone = alone(url).await?;
    let outcome = Migrator::down(alone.database.read().unbounded(), None).await;
    alone.database.close().await;
    outcome
}

/// Whether no step is missing. Steps that this version does not know are a newer one's, which is being rolled out: the
/// schema of the next version also serves this one.
///
/// # Errors
/// The database's own.
pub async fn is_current(database: &Database) -> Result<bool, DbErr> {
    let db = database.read();
    let (table, schema) = ("seaql_migrations", SchemaManager::new(db.unbounded()));
    if !database.bound.wait(schema.has_table(table)).await? {
        return Ok(false);
    }
    let sql = format!("SELECT version FROM {table}");
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    let applied: HashSet<String> =
        rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
    Ok(Migrator::migrations().iter().all(|step| applied.contains(step.name())))
}

/// A single connection, and the right to migrate until both are closed.
struct Alone {
    database: Database,
    /// SQLite's own locks cannot be waited for fairly; the lock on its folder can.
    _folder: Option<File>,
}

async fn alone(url: &SecretString) -> Result<Alone, DbErr> {
    let sqlite = url.expose_secret().starts_with("sqlite:");
    let folder = if sqlite { Some(locked(prepare_folder(url.expose_secret())?).await?) } else { None };
    let database = Database::connect(url, Some(1)).await?;
    if database.shares_servers {
        return Err(DbErr::Custom(
            "database.url leads to a pooler in transaction mode, where the lock that migrations queue for would be left \
             behind: give `gudok migrate` the URL of PostgreSQL itself"
                .to_owned(),
        ));
    }
    if !sqlite {
        let lock = format!(
            "SET statement_timeout = 0; SELECT pg_advisory_lock({ADVISORY_LOCK}); SET lock_timeout = '{LOCK_TIMEOUT}'"
        );
        database.read().unbounded().execute_unprepared(&lock).await?;
    }
    Ok(Alone { database, _folder: folder })
}

/// Waits until no other process migrates in `folder`.
async fn locked(folder: PathBuf) -> Result<File, DbErr> {
    let wait = move || File::open(&folder).and_then(|file| file.lock().map(|()| file));
    let waited = tokio::task::spawn_blocking(wait).await.map_err(std::io::Error::other);
    waited.flatten().map_err(|error| DbErr::Custom(format!("database.url: cannot lock its folder: {error}")))
}

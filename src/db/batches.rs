//! Deletes many rows without holding anybody up: a batch a transaction.

use sea_orm::{ConnectionTrait, DbErr, Statement, Value};

use super::transact;
use crate::app::App;

/// Rows that one transaction removes at most.
const BATCH: u64 = 1_000;

/// Runs `sql`, a DELETE with `values` whose last placeholder bounds the rows of a batch, until nothing is left to delete.
/// Returns how many rows are gone.
///
/// # Errors
/// The database's own; batches that were done stay done.
pub(crate) async fn delete_in_batches(app: &App, sql: &str, values: &[Value]) -> Result<u64, DbErr> {
    let bound = Value::from(i64::try_from(BATCH).unwrap_or(i64::MAX));
    let mut removed = 0;
    loop {
        let batch = transact!(app.db, |tx| {
            let values = values.iter().cloned().chain([bound.clone()]);
            let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
            Ok::<_, DbErr>(tx.execute_raw(statement).await?.rows_affected())
        })?;
        removed += batch;
        if batch < BATCH || app.stopping.is_cancelled() {
            return Ok(removed);
        }
    }
}

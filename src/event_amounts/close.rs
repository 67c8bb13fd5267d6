//! Adds up the entries of the event total that can no longer change, so that reading the total stays cheap.

use chrono::{DateTime, Duration, Utc};
use entity::event_amount;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
    TryGetable, Value,
};

use crate::app::App;
use crate::db::transact;

/// No entry is written with a time so long ago: a transaction takes seconds, or minutes where a standby is gone, and clocks
/// differ by less. One that is all the same is found by [`correct`].
const SETTLED: Duration = Duration::minutes(20);
/// Entries that one step adds up at most.
const STEP: u64 = 10_000;

/// How often what came late is looked for at most.
const MOST_LOOKS: u32 = 3;

/// What was added up: everything before an instant.
#[derive(Clone, Copy, Debug)]
struct Closed {
    ends_at: DateTime<Utc>,
    amount: i64,
}

/// Adds the entries that are older than twenty minutes to the sum of those before them, step by step.
///
/// # Errors
/// The database's own; steps that were done stay done.
pub(crate) async fn close(app: &App, now: DateTime<Utc>) -> Result<(), DbErr> {
    loop {
        let before = closed(app.db.read()).await?;
        let from = before.map_or(DateTime::UNIX_EPOCH, |closed| closed.ends_at);
        let Some(to) = end_of_step(app, from, now - SETTLED).await? else { return Ok(()) };
        if !add_up(app, before, to).await? {
            // Another process does it.
            return Ok(());
        }
    }
}

/// Adds what came late to the sum: entries by a clock that is behind, or of a process that stood still.
///
/// # Errors
/// The database's own; the sum stays as it was.
pub(crate) async fn correct(app: &App) -> Result<(), DbErr> {
    // Seldom more often than once: only where entries are added up at the same time.
    for _ in 0..MOST_LOOKS {
        let Some((closed, late)) = late(app).await? else { return Ok(()) };
        let corrected = transact!(app.db, |tx| {
            let values: [Value; 3] = [late.into(), closed.ends_at.into(), closed.amount.into()];
            let statement = Statement::from_sql_and_values(tx.get_database_backend(), CORRECT, values);
            Ok::<_, DbErr>(tx.execute_raw(statement).await?.rows_affected() > 0)
        })?;
        if corrected {
            tracing::warn!(won = late, "entries of the event total came late: is a clock behind?");
            return Ok(());
        }
    }
    Ok(())
}

/// What was added up, and by how much that is less than what it is of, if it is.
async fn late(app: &App) -> Result<Option<(Closed, i64)>, DbErr> {
    // It looks at all entries, which may take long.
    let snapshot = app.db.snapshot().await?.aside().await?;
    let db = snapshot.connection();
    let Some(row) = db.query_one_raw(Statement::from_string(db.get_database_backend(), LATE)).await? else {
        return Ok(None);
    };
    let closed = Closed { ends_at: DateTime::try_get_by_index(&row, 0)?, amount: row.try_get_by_index(1)? };
    let late: i64 = row.try_get_by_index(2)?;
    Ok((late != 0).then_some((closed, late)))
}

async fn closed(db: &impl ConnectionTrait) -> Result<Option<Closed>, DbErr> {
    let sql = "SELECT ends_at, amount FROM event_total ORDER BY ends_at DESC LIMIT 1";
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Closed { ends_at: DateTime::try_get_by_index(&row, 0)?, amount: row.try_get_by_index(1)? }))
}

/// The time of an entry up to which the next step goes, none when there is nothing to add. An entry that is there, and no later
/// instant: by a clock that is ahead, entries yet to come would count as added up.
async fn end_of_step(
    app: &App,
    from: DateTime<Utc>,
    settled: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, DbErr> {
    use event_amount::Column;
    let entries = event_amount::Entity::find().filter(Column::CreatedAt.lte(settled));
    let behind = entries.clone().filter(Column::CreatedAt.gt(from)).order_by_asc(Column::CreatedAt);
    let one = match behind.offset(STEP).one(app.db.read()).await? {
        Some(one) => Some(one),
        None => entries.order_by_desc(Column::CreatedAt).one(app.db.read()).await?,
    };
    Ok(one.map(|entry| entry.created_at).filter(|at| *at > from))
}

/// Puts the sum up to `to` in the place of the one that ended `before`; false when another has done so.
async fn add_up(app: &App, before: Option<Closed>, to: DateTime<Utc>) -> Result<bool, DbErr> {
    let from = before.map_or(DateTime::UNIX_EPOCH, |closed| closed.ends_at);
    transact!(app.db, |tx| {
        let backend = tx.get_database_backend();
        let run = async |sql, values: Vec<Value>| {
            tx.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await
        };
        let amount = before.map_or(0, |closed| closed.amount);
        if before.is_some() && run(REMOVE, vec![from.into(), amount.into()]).await?.rows_affected() == 0 {
            return Ok::<_, DbErr>(false);
        }
        run(ADD_UP, vec![from.into(), to.into(), amount.into()]).await?;
        Ok(true)
    })
}

/// As it was read, for it may have been corrected since.
const REMOVE: &str = "DELETE FROM event_total WHERE ends_at = $1 AND amount = $2";

const ADD_UP: &str = "
    INSERT INTO event_total (ends_at, amount)
    VALUES ($2, (SELECT CAST($3 + COALESCE(SUM(amount), 0) AS bigint) FROM event_amount
        WHERE created_at >= $1 AND created_at < $2))";

/// By how much the sum is less than what it is of.
const LATE: &str = "
    SELECT t.ends_at, t.amount,
        CAST((SELECT COALESCE(SUM(e.amount), 0) FROM event_amount e WHERE e.created_at < t.ends_at) - t.amount AS bigint)
    FROM event_total t ORDER BY t.ends_at DESC LIMIT 1";

const CORRECT: &str = "UPDATE event_total SET amount = amount + $1 WHERE ends_at = $2 AND amount = $3";

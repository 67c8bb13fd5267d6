//! Brings the columns that SQL readers see up to the clock: ended subscriptions, and plans that took over.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use entity::SubscriptionId;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, TryGetable, Value};

use crate::app::App;
use crate::db::transact;
use crate::jobs::{Progress, Worked};

/// Rows that one transaction changes at most, so that purchases go on beside it: it lasts tens of milliseconds.
const BATCH: i64 = 2_000;
/// The same while others use the database: milliseconds, so that what the job takes of cores and disk is spread evenly and
/// no purchase meets all of it.
const SMALL_BATCH: i64 = 50;
/// Index entries that are counted in one go.
const COUNTED: i64 = 10_000;
/// How many times as long as a step took the job rests behind it while others use the database.
const RESTS: u32 = 3;
/// The longest of these rests.
const LONGEST_REST: Duration = Duration::from_secs(1);
/// For how long nobody else must have been at work until batches grow. Between two purchases there is often an instant at
/// which nobody is.
const QUIET: Duration = Duration::from_secs(1);

/// Expires what has ended and switches plans where another period has begun, batch by batch in the order in which they
/// are due, and counts them in `progress`. It reads no row into memory and can be run again at any time.
///
/// # Errors
/// The database's own; batches that were done stay done.
pub(crate) async fn expire(app: &App, now: DateTime<Utc>, progress: &Progress) -> Result<Worked, DbErr> {
    let Some(due) = count(app, now, progress).await? else { return Ok(Worked::InPart) };
    progress.expect(due);
    let (mut from, mut others_seen) = (Some(Place::start()), Instant::now());
    while let Some(after) = from {
        if app.draining.is_cancelled() {
            return Ok(Worked::InPart);
        }
        let batch = if others_seen.elapsed() < QUIET { SMALL_BATCH } else { BATCH };
        let to = end_of_batch(app, now, &after, batch).await?;
        let begun = Instant::now();
        progress.add(change(app, now, (&after, to.as_ref()), batch).await?);
        if to.is_some() && gave_way(app, progress, begun.elapsed()).await? {
            others_seen = Instant::now();
        }
        from = to;
    }
    Ok(Worked::Whole)
}

/// Leaves the database to others, where they are at work, for a multiple of the time that a step took: they buy while this
/// only tidies up. Tells whether they were.
async fn gave_way(app: &App, progress: &Progress, took: Duration) -> Result<bool, DbErr> {
    // What the run writes of itself meanwhile cannot be told from others; who is really there is seen behind the next step.
    let written_before = progress.is_being_written();
    let others = app.db.others_are_at_work().await?;
    if !others || written_before || progress.is_being_written() {
        return Ok(false);
    }
    let rest = (took * RESTS).min(LONGEST_REST);
    tokio::select! {
        () = tokio::time::sleep(rest) => {}
        () = app.draining.cancelled() => {}
    }
    Ok(true)
}

/// A place in the order in which rows are due. Batches begin where the one before ended: rows that are done leave dead
/// index entries, and a search from the start would read them all again each time.
#[derive(Clone, Debug)]
struct Place {
    due: DateTime<Utc>,
    id: String,
}

impl Place {
    fn start() -> Self {
        Self { due: DateTime::<Utc>::UNIX_EPOCH, id: String::new() }
    }
}

/// How many rows are due; nothing when gudok is to stop. In steps as well: a million entries in one go keep a core busy that
/// buyers wait for, and where PostgreSQL helps itself to parallel workers, all of them.
async fn count(app: &App, now: DateTime<Utc>, progress: &Progress) -> Result<Option<u64>, DbErr> {
    let (mut counted, mut after) = (0_u64, Place::start());
    loop {
        if app.draining.is_cancelled() {
            return Ok(None);
        }
        let begun = Instant::now();
        let Some(to) = end_of_batch(app, now, &after, COUNTED).await? else { break };
        gave_way(app, progress, begun.elapsed()).await?;
        (counted, after) = (counted + COUNTED.unsigned_abs(), to);
    }
    let db = app.db.read();
    let values: [Value; 3] = [now.into(), after.due.into(), after.id.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), COUNT, values);
    let row = db.query_one_raw(statement).await?;
    let last = row.map(|row| row.try_get_by_index::<i64>(0)).transpose()?.unwrap_or_default();
    Ok(Some(counted + u64::try_from(last).unwrap_or_default()))
}

/// The last of the `batch` rows behind `after`; none when fewer are left.
async fn end_of_batch(
    app: &App,
    now: DateTime<Utc>,
    after: &Place,
    batch: i64,
) -> Result<Option<Place>, DbErr> {
    let db = app.db.read();
    let values: [Value; 4] = [now.into(), after.due.into(), after.id.clone().into(), (batch - 1).into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), END_OF_BATCH, values);
    let Some(row) = db.query_one_raw(statement).await? else { return Ok(None) };
    let id = SubscriptionId::try_get_by_index(&row, 1)?;
    Ok(Some(Place { due: row.try_get_by_index(0)?, id: id.to_string() }))
}

/// Changes the rows behind `after`, up to and with `to`, in one transaction: `batch` of them, or those that are left. Returns
/// how many.
async fn change(
    app: &App,
    now: DateTime<Utc>,
    (after, to): (&Place, Option<&Place>),
    batch: i64,
) -> Result<u64, DbErr> {
    // Behind the last whole batch lies what is due and was not counted into one.
    let bound = |place: &Place| [place.due.into(), place.id.clone().into()];
    let last = to.map_or_else(|| [now.into(), PAST_EVERY_ID.into()], bound);
    let values: Vec<Value> = [now.into()].into_iter().chain(bound(after)).chain(last).collect();
    transact!(app.db, |tx| {
        if tx.get_database_backend() == DbBackend::Postgres {
            // What a crash takes back is done again, and nobody waits for a batch to be safe. The run's own row is, and
            // whatever was committed before it. To compile a statement takes longer than it saves over a batch.
            tx.execute_unprepared("SET LOCAL synchronous_commit = off; SET LOCAL jit = off").await?;
        }
        let backend = tx.get_database_backend();
        let expire = Statement::from_sql_and_values(backend, in_words_of(backend, EXPIRE), values.clone());
        let expired = tx.execute_raw(expire).await?.rows_affected();
        if to.is_some() && expired == batch.unsigned_abs() {
            // All of them ended; the index need not be read once more for those that go on.
            return Ok::<_, DbErr>(expired);
        }
        let switch =
            Statement::from_sql_and_values(backend, in_words_of(backend, SWITCH_PLAN), values.clone());
        Ok(expired + tx.execute_raw(switch).await?.rows_affected())
    })
}

/// Ids are hexadecimal digits and hyphens.
const PAST_EVERY_ID: &str = "z";

const COUNT: &str =
    "SELECT COUNT(*) FROM subscription WHERE changes_at <= $1 AND (changes_at, id) > ($2, $3)";

const END_OF_BATCH: &str = "
    SELECT changes_at, id FROM subscription WHERE changes_at <= $1 AND (changes_at, id) > ($2, $3)
    ORDER BY changes_at, id LIMIT 1 OFFSET $4";

/// `{batch}` in the words of `backend`. PostgreSQL takes a comparison of rows for a wide range, so it is told the narrow one
/// beside it; SQLite would read by that one alone.
fn in_words_of(backend: DbBackend, sql: &str) -> String {
    let sql = sql.replace("{as it runs}", AS_IT_RUNS);
    let exactly = "(changes_at, id) > ($2, $3) AND (changes_at, id) <= ($4, $5)";
    match backend {
        DbBackend::Sqlite => sql.replace("{batch}", &format!("changes_at <= $1 AND {exactly}")),
        _ => sql.replace("{batch}", &format!("changes_at >= $2 AND changes_at <= $4 AND {exactly}")),
    }
}

/// A row that a renewal held while the statement waited is judged again by what the renewal made of it. Where the end was
/// the next change, the row has the last plan already; only where changes were missed before it, that is looked for. `IS
/// TRUE` keeps the index of ends out of it, by which each batch would read all that has ever ended.
const EXPIRE: &str = "
    UPDATE subscription SET status = 'EXPIRED', is_active = false, changes_at = NULL, updated_at = $1,
        periods_as_of = CASE WHEN periods_as_of = updated_at THEN $1 END,
        plan_id = CASE WHEN changes_at = end_date THEN plan_id ELSE COALESCE((SELECT p.plan_id FROM subscription_period p
            WHERE p.subscription_id = subscription.id AND p.revoked_at IS NULL ORDER BY p.starts_at DESC LIMIT 1), plan_id) END
    WHERE {batch} AND (end_date <= $1) IS TRUE";

/// The plan whose period runs now, until the first later period of another plan begins or the last one ends. Where there is no
/// period the plan stays, for `gudok check` to find: one row that is wrong must not keep all behind it from their turn.
pub(super) const AS_IT_RUNS: &str = "updated_at = $1,
        periods_as_of = CASE WHEN periods_as_of = updated_at THEN $1 END,
        plan_id = COALESCE((SELECT p.plan_id FROM subscription_period p WHERE p.subscription_id = subscription.id
            AND p.revoked_at IS NULL AND p.ends_at > $1 ORDER BY p.starts_at LIMIT 1), plan_id),
        changes_at = COALESCE((SELECT MIN(q.starts_at) FROM subscription_period q
            WHERE q.subscription_id = subscription.id AND q.revoked_at IS NULL AND q.starts_at > $1
            AND q.plan_id <> (SELECT p.plan_id FROM subscription_period p WHERE p.subscription_id = subscription.id
                AND p.revoked_at IS NULL AND p.ends_at > $1 ORDER BY p.starts_at LIMIT 1)), end_date)";

const SWITCH_PLAN: &str = "UPDATE subscription SET {as it runs} WHERE {batch} AND (end_date > $1) IS TRUE";

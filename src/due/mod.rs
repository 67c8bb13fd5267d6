//! Work that is due: rows with a due time, each taken on by one process at a time, under a lease that its signs of life
//! renew. A process that dies loses its lease, and another takes the row on.

use chrono::{DateTime, Duration, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, TryGetable};

use crate::app::App;
use crate::crash::{self, Point};
use crate::db::{is_unavailable, transact};

mod follow_up;
mod now;
mod run;

pub(crate) use follow_up::follow_up;
pub(crate) use now::run_now;
pub(crate) use run::run;
use run::run_one;

/// How long somebody who works on a row is believed alive without a sign.
const LEASE: Duration = Duration::seconds(10);
/// How often the living give one.
const SIGN_OF_LIFE: std::time::Duration = std::time::Duration::from_secs(3);

/// What working on a row brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The truth is recorded.
    Decided,
    /// It is still open, and will be worked on again.
    Open,
    /// Toss refuses our key: a person is needed.
    Misconfigured,
}

/// A kind of row with a due time, which is empty when nothing is left to do.
pub(crate) trait Duty {
    /// The table.
    type Table: EntityTrait;
    /// What identifies a row.
    type Id: Clone + std::fmt::Display + Into<sea_orm::Value> + TryGetable + Send + Sync + 'static;

    /// The column that identifies a row.
    fn id() -> <Self::Table as EntityTrait>::Column;

    /// The column that tells when it is due.
    fn due() -> <Self::Table as EntityTrait>::Column;

    /// The row's name in log lines.
    fn loggable(id: &Self::Id) -> String {
        id.to_string()
    }

    /// Does what is due, and moves the due time or empties it.
    ///
    /// # Errors
    /// The database's own; the lease then brings the row back.
    fn work(app: &App, id: Self::Id) -> impl Future<Output = Result<Outcome, DbErr>> + Send;
}

/// The due time of a row that somebody works on from `now` on: when it would be taken over.
pub(crate) fn lease_from(now: DateTime<Utc>) -> DateTime<Utc> {
    now + LEASE
}

/// Takes on at most `most` rows that are due; the oldest first. Rows that another process is taking on are passed by.
async fn take<D: Duty>(app: &App, most: usize) -> Result<Vec<(D::Id, DateTime<Utc>)>, DbErr> {
    let now = app.clock.now();
    let due = || D::Table::find().filter(D::due().lte(now));
    // Most looks find nothing, and cost no write.
    if due().select_only().column(D::id()).into_tuple::<D::Id>().one(app.db.read()).await?.is_none() {
        return Ok(Vec::new());
    }
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    take_where::<D>(app, Expr::col(D::due()).lte(now), most).await
}

/// Takes on the row `id`, if nobody works on it: whether it is due or will be later.
async fn take_one<D: Duty>(
    app: &App,
    id: &D::Id,
    due_at: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, DbErr> {
    let this = D::id().eq(id.clone()).and(D::due().eq(due_at));
    Ok(take_where::<D>(app, this, 1).await?.into_iter().map(|(_, lease)| lease).next())
}

async fn take_where<D: Duty>(
    app: &App,
    which: sea_orm::sea_query::SimpleExpr,
    most: u64,
) -> Result<Vec<(D::Id, DateTime<Utc>)>, DbErr> {
    let (taken, lease) = transact!(app.db, |tx| {
        let lease = lease_from(app.clock.now());
        let ids: Vec<D::Id> = D::Table::find()
            .select_only()
            .column(D::id())
            .filter(which.clone())
            .order_by_asc(D::due())
            .limit(most)
            // SQLite, whose only writer we are by now, knows no such locks and needs none.
            .lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked)
            .into_tuple()
            .all(tx)
            .await?;
        if !ids.is_empty() {
            let leased = D::Table::update_many()
                .col_expr(D::due(), Expr::value(lease))
                .filter(D::id().is_in(ids.iter().cloned()));
            leased.exec(tx).await?;
            crash::point(Point::TakeWritten);
        }
        Ok::<_, DbErr>((ids, lease))
    })?;
    if !taken.is_empty() {
        crash::point(Point::Taken);
    }
    Ok(taken.into_iter().map(|id| (id, lease)).collect())
}

/// Works on a row whose lease ends at `lease`, and renews that for as long as the work goes on: the process may hang
/// on Toss for a minute, and still nobody takes it for dead.
pub(crate) async fn hold<D: Duty, T>(
    app: &App,
    id: D::Id,
    lease: DateTime<Utc>,
    work: impl Future<Output = T>,
) -> T {
    tokio::select! {
        biased;
        done = work => done,
        never = signs_of_life::<D, T>(app, id, lease) => never,
    }
}

/// What becomes of a row whose work the database broke off: it stays due. Toss may have done what was asked, so nobody is
/// told that it failed.
pub(crate) fn broken_off<D: Duty>(id: &D::Id, error: &DbErr) -> Outcome {
    let id = D::loggable(id);
    if is_unavailable(error) {
        tracing::warn!(id, %error, "what came of it could not be written down; the job will find out");
    } else {
        tracing::error!(id, %error, "what came of it could not be written down; the job will find out");
    }
    Outcome::Open
}

/// Never ends by itself; stops to renew once the row has another due time, which somebody else has set.
async fn signs_of_life<D: Duty, T>(app: &App, id: D::Id, mut lease: DateTime<Utc>) -> T {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        let renewed = transact!(app.db, |tx| {
            let next = lease_from(app.clock.now());
            let renewed = D::Table::update_many()
                .col_expr(D::due(), Expr::value(next))
                .filter(D::id().eq(id.clone()))
                .filter(D::due().eq(lease));
            renewed.exec(tx).await.map(|done| (done.rows_affected, next))
        });
        match renewed {
            Ok((1.., next)) => lease = next,
            Ok((0, _)) => return std::future::pending().await,
            Err(error) => {
                tracing::warn!(id = D::loggable(&id), %error, "the lease could not be renewed");
            }
        }
    }
}

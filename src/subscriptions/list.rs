//! Lists subscriptions by the clock, whether or not the nightly job has run.

use chrono::{DateTime, NaiveTime, Utc};
use entity::subscription::{self, SubscriptionStatus};
use entity::{PlanId, SubscriptionId, UserId, subscription_period};
use sea_orm::sea_query::{Expr, ExprTrait, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select,
};

use crate::http::page::{Page, PageRequest, page_of_parts};

/// Which subscriptions are wanted.
#[derive(Clone, Debug, Default)]
pub struct SubscriptionFilter {
    /// Those that run, or do not.
    pub is_active: Option<bool>,
    /// Those whose plan, running or last, is this one.
    pub plan_id: Option<PlanId>,
    /// That of this user.
    pub user_id: Option<UserId>,
}

/// A subscription with its plan and status by the clock.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The row, whose plan and status may lag behind the clock.
    pub row: subscription::Model,
    /// By the clock.
    pub status: SubscriptionStatus,
    /// By the clock.
    pub plan_id: PlanId,
}

/// One page of subscriptions, newest first.
///
/// # Errors
/// The database's own.
pub async fn list(
    db: &impl ConnectionTrait,
    filter: SubscriptionFilter,
    page: &PageRequest,
    now: DateTime<Utc>,
) -> Result<Page<Listed>, DbErr> {
    use subscription::Column;
    let mut parts = Vec::new();
    if filter.is_active.is_none() && filter.plan_id.is_none() {
        parts.push(subscription::Entity::find());
    } else {
        // Questions each of which an index answers: who has become it since the columns were written, and whose columns say
        // so. In this order, because that is how the nightly job moves rows while a page is read.
        parts.extend(lagging(db, &filter, now).await?);
        parts.extend(settled(&filter, now));
    }
    if let Some(user_id) = &filter.user_id {
        parts = parts.into_iter().map(|part| part.filter(Column::UserId.eq(user_id.clone()))).collect();
    }
    let rows = page_of_parts(db, parts, (Column::CreatedAt, Column::Id), page, key).await?;
    let lagging: Vec<SubscriptionId> =
        rows.items.iter().filter(|row| lags(row, now)).map(|row| row.id).collect();
    let started = started_periods(db, lagging, now).await?;
    Ok(rows.map(|row| {
        if !lags(&row, now) {
            return Listed { status: row.status, plan_id: row.plan_id, row };
        }
        let status =
            if now < row.end_date { SubscriptionStatus::Active } else { SubscriptionStatus::Expired };
        // Ordered by start, so the last one found is the one that runs, or ran last.
        let current = started.iter().rev().find(|period| period.subscription_id == row.id);
        Listed { status, plan_id: current.map_or(row.plan_id, |period| period.plan_id), row }
    }))
}

fn key(row: &subscription::Model) -> (DateTime<Utc>, String) {
    (row.created_at, row.id.to_string())
}

/// Those whose columns are up to date and say what is wanted, who run before who does not: an index has each in the order of the
/// list.
fn settled(filter: &SubscriptionFilter, now: DateTime<Utc>) -> Vec<Select<subscription::Entity>> {
    use subscription::Column;
    let (runs, ended) = (Column::ChangesAt.gt(now), Column::ChangesAt.is_null());
    let wanted = match filter.is_active {
        Some(true) => vec![runs],
        Some(false) => vec![ended],
        // Who buys again goes the other way.
        None => vec![runs.clone(), ended, runs],
    };
    let of_plan = |query: Select<subscription::Entity>| match filter.plan_id {
        Some(plan_id) => query.filter(Column::PlanId.eq(plan_id)),
        None => query,
    };
    wanted.into_iter().map(|wanted| of_plan(subscription::Entity::find().filter(wanted))).collect()
}

/// Those whose columns wait for the nightly job, and who are by the clock what is wanted, in as many parts as an index has
/// in the order of the list.
async fn lagging(
    db: &impl ConnectionTrait,
    filter: &SubscriptionFilter,
    now: DateTime<Utc>,
) -> Result<Vec<Select<subscription::Entity>>, DbErr> {
    use subscription::Column;
    let of_one = filter.user_id.is_some();
    let waiting = subscription::Entity::find().filter(Column::ChangesAt.lte(now));
    let waiting = match filter.is_active {
        Some(true) => waiting.filter(Column::EndDate.gt(now)),
        Some(false) => waiting.filter(Column::EndDate.lte(now)),
        None => waiting,
    };
    // Who only changes plans is one of few, who have an index of their own.
    let switching = waiting.clone().filter(switches());
    match (filter.plan_id, filter.is_active) {
        (None, Some(true)) => Missed::Switches.by_day(db, switching, of_one, now).await,
        (None, _) => Missed::Changes.by_day(db, waiting, of_one, now).await,
        (Some(plan_id), is_active) => {
            let switching = switching.filter(started_plan(now).eq(plan_id));
            let mut parts = Missed::Switches.by_day(db, switching, of_one, now).await?;
            if is_active != Some(true) {
                // The column names the last plan already where the end is what was missed.
                let ending = waiting.filter(switches().not()).filter(Column::PlanId.eq(plan_id));
                parts.extend(Missed::Changes.by_day(db, ending, of_one, now).await?);
            }
            Ok(parts)
        }
    }
}

/// The ids of those who wait for what was due between two instants, in that order.
fn missed_since(from: DateTime<Utc>, now: DateTime<Utc>) -> Select<subscription::Entity> {
    use subscription::Column;
    let due = Column::ChangesAt.gte(from).and(Column::ChangesAt.lte(now));
    let ids = subscription::Entity::find().select_only().column(Column::Id).filter(due);
    ids.order_by_asc(Column::ChangesAt)
}

/// Whether what comes next is another plan, and not the end.
fn switches() -> SimpleExpr {
    Expr::col(subscription::Column::ChangesAt).lt(Expr::col(subscription::Column::EndDate))
}

/// Days whose rows are looked up each by itself, at most; it takes a nightly job that has not run for as long to meet the
/// bound, and then the rows of all days before are looked up together.
const DAYS: usize = 40;

/// So few of today's that they are picked out and sorted: its index has them among all who come later today.
const FEW: u64 = 200;

/// What may wait for the nightly job; of each an index has the days, and each day in the order of the list.
#[derive(Clone, Copy, Debug)]
enum Missed {
    /// Another plan or an end.
    Changes,
    /// Another plan.
    Switches,
}

impl Missed {
    /// `query`, of those who wait, in parts by the day of what they wait for; whole where it is `of_one`. The oldest day comes
    /// first: who has changed plans waits for a later day from then on.
    async fn by_day(
        self,
        db: &impl ConnectionTrait,
        query: Select<subscription::Entity>,
        of_one: bool,
        now: DateTime<Utc>,
    ) -> Result<Vec<Select<subscription::Entity>>, DbErr> {
        use subscription::Column;
        if of_one {
            return Ok(vec![query]);
        }
        let day = || match db.get_database_backend() {
            DbBackend::Sqlite => Expr::cust("substr(changes_at, 1, 10)"),
            _ => Expr::cust("((changes_at AT TIME ZONE 'UTC')::date)"),
        };
        let today = now.date_naive();
        let first = subscription::Entity::find().select_only().column(Column::ChangesAt);
        let first = first.filter(Column::ChangesAt.lte(now)).limit(1);
        let first = match self {
            Self::Changes => first.order_by_asc(Column::ChangesAt),
            Self::Switches => first.filter(switches()).filter(day().lte(today)).order_by_asc(day()),
        };
        let Some(first) = first.into_tuple::<DateTime<Utc>>().one(db).await? else { return Ok(Vec::new()) };
        let first = first.date_naive();
        let mut days = today.iter_days().rev().take_while(|day| first <= *day);
        let mut parts: Vec<_> =
            days.by_ref().take(DAYS).map(|each| query.clone().filter(day().eq(each))).collect();
        if let (Self::Changes, Some(of_today)) = (self, parts.first_mut()) {
            let so_far = missed_since(today.and_time(NaiveTime::MIN).and_utc(), now);
            let next = so_far.clone().offset(FEW).into_tuple::<SubscriptionId>().one(db).await?;
            if next.is_none() {
                // The nightly job may add some meanwhile.
                let so_far = so_far.limit(2 * FEW).into_query();
                *of_today = query.clone().filter(Column::Id.in_subquery(so_far));
            }
        }
        if let Some(older) = days.next() {
            parts.push(query.filter(day().lte(older)));
        }
        parts.reverse();
        Ok(parts)
    }
}

/// Whether the row says what it said before a change that the clock has passed.
fn lags(row: &subscription::Model, now: DateTime<Utc>) -> bool {
    row.changes_at.is_some_and(|at| at <= now)
}

async fn started_periods(
    db: &impl ConnectionTrait,
    subscriptions: Vec<SubscriptionId>,
    now: DateTime<Utc>,
) -> Result<Vec<subscription_period::Model>, DbErr> {
    use subscription_period::Column;
    if subscriptions.is_empty() {
        return Ok(Vec::new());
    }
    subscription_period::Entity::find()
        .filter(Column::SubscriptionId.is_in(subscriptions))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::StartsAt.lte(now))
        .order_by_asc(Column::StartsAt)
        .all(db)
        .await
}

/// The plan of the last period that has started.
fn started_plan(now: DateTime<Utc>) -> SimpleExpr {
    use subscription::Column;
    let started = subscription_period::Entity::find()
        .select_only()
        .column(subscription_period::Column::PlanId)
        .filter(
            Expr::col((subscription_period::Entity, subscription_period::Column::SubscriptionId))
                .equals((subscription::Entity, Column::Id)),
        )
        .filter(subscription_period::Column::RevokedAt.is_null())
        .filter(subscription_period::Column::StartsAt.lte(now))
        .order_by_desc(subscription_period::Column::StartsAt)
        .limit(1);
    Expr::expr(SimpleExpr::SubQuery(None, Box::new(started.into_query().into())))
}

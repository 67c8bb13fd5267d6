//! Reads users' subscriptions as they stand at an instant: the entitlement check, one row a user.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use entity::subscription::SubscriptionStatus;
use entity::{OrderId, UserId, plan, subscription};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};

use super::kept;
use super::schedule::Slot;
use super::state::State;
use super::told::{Memory, Told};
use crate::db::{First, Reader, raw};

/// Periods that are read at most, newest first kept: fifty years of months.
const MOST_PERIODS: i64 = 600;
/// Bytes of an ordinary row with its plan.
const ORDINARY_ROW: usize = 1024;

/// A subscription and its live periods at an instant.
#[derive(Clone, Debug)]
pub struct Subscribed {
    /// The row, whose plan, status and dates may lag behind the clock.
    pub row: subscription::Model,
    /// Whether it runs, ran out or was refunded, by the clock.
    pub status: SubscriptionStatus,
    /// The plan that runs, or ran last, by the clock.
    pub plan: plan::Model,
    /// When plan or status change next by themselves; none when nothing will.
    pub changes_at: Option<DateTime<Utc>>,
    /// The periods that no refund took back, in the order of time.
    pub periods: Vec<Slot>,
}

/// What the books hold of a user's subscription.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(super) row: subscription::Model,
    /// The periods that no refund took back, in the order of time.
    pub(super) periods: Vec<Slot>,
    /// Their plans, and that of the row where there are none.
    pub(super) plans: Vec<Arc<plan::Model>>,
}

/// The subscription of `user_id` at `now`, right to the second.
///
/// # Errors
/// The database's own.
pub async fn of_user(
    db: &impl ConnectionTrait,
    user_id: &UserId,
    now: DateTime<Utc>,
) -> Result<Option<Subscribed>, DbErr> {
    held(db, user_id).await?.map(|held| held.at(now)).transpose()
}

/// What the books hold of one user.
pub(super) async fn held(db: &impl ConnectionTrait, user_id: &UserId) -> Result<Option<Held>, DbErr> {
    let values: [Value; 2] = [user_id.clone().into(), MOST_PERIODS.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), PERIODS.one.as_str(), values);
    let mut all = gather(&db.query_all_raw(statement).await?, &mut Vec::new())?;
    Ok(all.remove(user_id))
}

/// What was found out of one of many users.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// What was told of the very same row before.
    Told(Arc<Told>),
    /// What the books hold, with the row's bytes where all of it comes from the row.
    Held(Box<Held>, Option<Vec<u8>>),
}

/// What the books hold of each of `user_ids`: of all in one statement, and in another one of those whose row keeps no copy
/// of its periods. Of plans, that of the row may be all. A row of which something is remembered that holds at `now` is not
/// looked into. Behind it, those of whom that is more than one statement should read.
pub(super) async fn found_together(
    reader: &mut Reader,
    user_ids: &[&UserId],
    memory: &Memory,
    now: DateTime<Utc>,
) -> Result<(HashMap<UserId, Found>, Vec<UserId>), DbErr> {
    let ids: Vec<&str> = user_ids.iter().map(|id| id.as_str()).collect();
    let rows = reader.all(ROWS.asking(reader.backend(), whom(&ids)), whom(&ids), None).await?;
    let mut all = HashMap::with_capacity(rows.len());
    let (mut plans, mut untold, mut bytes) = (Vec::new(), Vec::new(), Vec::with_capacity(ORDINARY_ROW));
    for row in &rows {
        let user_id: UserId = row.try_get_by_index(USER)?;
        bytes.clear();
        raw(row, &mut bytes)?;
        if let Some(told) = memory.recall(&user_id, &bytes, now) {
            all.insert(user_id, Found::Told(told));
            continue;
        }
        let subscription = with_copy(row)?;
        let plan = plan_of(row, COPY + 2, &mut plans)?;
        match kept::of(&subscription) {
            Some(periods) => {
                let held = Held { periods, plans: vec![plan], row: subscription };
                all.insert(user_id, Found::Held(Box::new(held), Some(bytes.clone())));
            }
            None => untold.push(user_id),
        }
    }
    if untold.is_empty() {
        return Ok((all, untold));
    }
    let ids: Vec<&str> = untold.iter().map(UserId::as_str).collect();
    let sql = PERIODS.asking(reader.backend(), whom(&ids));
    let rows = reader.all(sql, whom(&ids), Some(MOST_PERIODS)).await?;
    if untold.len() > 1 && i64::try_from(rows.len()).is_ok_and(|read| read >= MOST_PERIODS) {
        return Ok((all, untold));
    }
    let held = gather(&rows, &mut plans)?.into_iter();
    all.extend(held.map(|(user_id, held)| (user_id, Found::Held(Box::new(held), None))));
    Ok((all, Vec::new()))
}

/// Rows of one period each, newest first, by user.
fn gather(rows: &[QueryResult], plans: &mut Vec<Arc<plan::Model>>) -> Result<HashMap<UserId, Held>, DbErr> {
    let mut all: HashMap<UserId, Held> = HashMap::with_capacity(rows.len());
    for row in rows {
        let user_id: UserId = row.try_get_by_index(USER)?;
        let held = match all.entry(user_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let subscription = subscription_at(row, SUBSCRIPTION)?;
                unknown.insert(Held { row: subscription, periods: Vec::new(), plans: Vec::new() })
            }
        };
        held.knows(plan_of(row, PLAN, plans)?);
        if row.try_get_by_index::<Option<OrderId>>(PERIOD)?.is_some() {
            held.periods.push(slot_at(row, PERIOD)?);
        }
    }
    for held in all.values_mut() {
        held.periods.reverse();
    }
    Ok(all)
}

/// A row of [`ROWS`], without its plan.
fn with_copy(row: &QueryResult) -> Result<subscription::Model, DbErr> {
    Ok(subscription::Model {
        periods: row.try_get_by_index(COPY)?,
        periods_as_of: row.try_get_by_index(COPY + 1)?,
        ..subscription_at(row, SUBSCRIPTION)?
    })
}

/// The plan of a row, read once for all rows that have it.
fn plan_of(
    row: &QueryResult,
    at: usize,
    known: &mut Vec<Arc<plan::Model>>,
) -> Result<Arc<plan::Model>, DbErr> {
    let id = row.try_get_by_index(at)?;
    if let Some(plan) = known.iter().find(|plan| plan.id == id) {
        return Ok(Arc::clone(plan));
    }
    let plan = Arc::new(plan_at(row, at)?);
    known.push(Arc::clone(&plan));
    Ok(plan)
}

impl Held {
    /// How it stands at `now`.
    ///
    /// # Errors
    /// When the plan that runs is not among those that were read.
    pub(crate) fn at(self, now: DateTime<Utc>) -> Result<Subscribed, DbErr> {
        self.tells(now).ok_or_else(|| DbErr::RecordNotFound("plan of a subscription".to_owned()))
    }

    /// How it stands at `now`. None when the plan that runs then is not among those that were read.
    pub(super) fn tells(self, now: DateTime<Utc>) -> Option<Subscribed> {
        let (status, plan_id, changes_at) = match State::at(&self.periods, now) {
            Some(state) => (state.status, state.plan_id, state.changes_at),
            None => (self.row.status, self.row.plan_id, None),
        };
        let plan = plan::Model::clone(self.plans.iter().find(|plan| plan.id == plan_id)?);
        Some(Subscribed { row: self.row, status, plan, changes_at, periods: self.periods })
    }

    fn knows(&mut self, plan: Arc<plan::Model>) {
        if self.plans.iter().all(|known| known.id != plan.id) {
            self.plans.push(plan);
        }
    }
}

/// What is read of a table: its columns, and what a row holds of them from column `at` on; the fields behind those are not
/// read. By place and not by name, which would have to be put together for each value of each row.
macro_rules! read_in_order {
    ($columns:ident, $read:ident, $of:ty, [$($field:ident),+], [$($unread:ident),*]) => {
        const $columns: &[&str] = &[$(stringify!($field)),+];

        fn $read(row: &QueryResult, mut at: usize) -> Result<$of, DbErr> {
            type Read = $of;
            let mut next = || {
                at += 1;
                at - 1
            };
            Ok(Read { $($field: row.try_get_by_index(next())?,)+ $($unread: None),* })
        }
    };
}

read_in_order!(
    SUBSCRIPTION_COLUMNS,
    subscription_at,
    subscription::Model,
    [id, user_id, plan_id, status, is_active, start_date, end_date, changes_at, created_at, updated_at],
    [periods, periods_as_of]
);
read_in_order!(PERIOD_COLUMNS, slot_at, Slot, [order_id, plan_id, starts_at, ends_at], []);
read_in_order!(
    PLAN_COLUMNS,
    plan_at,
    plan::Model,
    [id, code, name, r#type, price, currency, interval_months, is_active, created_at, updated_at],
    []
);

/// Where each table's columns begin in [`PERIODS`], and whose they are.
const SUBSCRIPTION: usize = 0;
const USER: usize = 1;
const _: () = assert!(matches!(SUBSCRIPTION_COLUMNS[USER].as_bytes(), b"user_id"));
const PERIOD: usize = SUBSCRIPTION + SUBSCRIPTION_COLUMNS.len();
const PLAN: usize = PERIOD + PERIOD_COLUMNS.len();
/// Where the copy of the periods begins in [`ROWS`], which has the plan behind it.
const COPY: usize = PERIOD;

fn of_table(alias: &str, columns: &[&str]) -> String {
    let named = columns.iter().map(|column| format!("{alias}.{}", column.trim_start_matches("r#")));
    named.collect::<Vec<_>>().join(", ")
}

/// A statement for one user and for many.
struct Asking {
    one: String,
    many: String,
    many_on_sqlite: String,
}

impl Asking {
    fn of(select: impl Fn(&str) -> String) -> Self {
        Self {
            one: select("= $1"),
            many: select("= ANY ($1)"),
            many_on_sqlite: select("IN (SELECT value FROM json_each($1))"),
        }
    }

    /// The statement that asks for users who are one or many.
    fn asking(&self, backend: DbBackend, whom: First<'_>) -> &str {
        match (whom, backend) {
            (First::One(_), _) => &self.one,
            (First::Many(_), DbBackend::Sqlite) => &self.many_on_sqlite,
            (First::Many(_), _) => &self.many,
        }
    }
}

/// Users as a statement's first argument.
fn whom<'a>(user_ids: &'a [&'a str]) -> First<'a> {
    match user_ids {
        [only] => First::One(only),
        many => First::Many(many),
    }
}

/// One row a user: the subscription, the copy of its periods, the plan of its row.
static ROWS: LazyLock<Asking> = LazyLock::new(|| {
    let (subscription, plan) = (of_table("s", SUBSCRIPTION_COLUMNS), of_table("l", PLAN_COLUMNS));
    Asking::of(|whose| {
        format!(
            "SELECT {subscription}, s.periods, s.periods_as_of, {plan} FROM subscription s
            JOIN plan l ON l.id = s.plan_id WHERE s.user_id {whose}"
        )
    })
});

/// One row a period, newest first.
static PERIODS: LazyLock<Asking> = LazyLock::new(|| {
    let (subscription, plan) = (of_table("s", SUBSCRIPTION_COLUMNS), of_table("l", PLAN_COLUMNS));
    let period = of_table("p", PERIOD_COLUMNS);
    Asking::of(|whose| {
        format!(
            "SELECT {subscription}, {period}, {plan} FROM subscription s
            LEFT JOIN subscription_period p ON p.subscription_id = s.id AND p.revoked_at IS NULL
            JOIN plan l ON l.id = COALESCE(p.plan_id, s.plan_id)
            WHERE s.user_id {whose} ORDER BY p.starts_at DESC LIMIT $2"
        )
    })
});

//! Reads users' subscriptions as they stand at an instant: the entitlement check, in one statement.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use entity::subscription::SubscriptionStatus;
use entity::{PeriodId, UserId, plan, subscription};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};

use super::schedule::Slot;
use super::state::State;
use crate::db::Reader;

/// Periods that are read at most, newest first kept: fifty years of months.
const MOST_PERIODS: i64 = 600;

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
    let statement = Statement::from_sql_and_values(db.get_database_backend(), ONE.as_str(), values);
    let mut all = gather(&db.query_all_raw(statement).await?)?;
    Ok(all.remove(user_id))
}

/// What the books hold of each of `user_ids`, in one statement; none when they hold more than one statement should read.
pub(super) async fn held_together(
    reader: &mut Reader,
    user_ids: &[&UserId],
) -> Result<Option<HashMap<UserId, Held>>, DbErr> {
    if let [only] = user_ids {
        return gather(&reader.all(ONE.as_str(), only.as_str(), MOST_PERIODS).await?).map(Some);
    }
    let ids = serde_json::Value::from_iter(user_ids.iter().map(|id| id.as_str())).to_string();
    let sql = match reader.backend() {
        DbBackend::Sqlite => &MANY_SQLITE,
        _ => &MANY,
    };
    let rows = reader.all(sql.as_str(), &ids, MOST_PERIODS).await?;
    if i64::try_from(rows.len()).is_ok_and(|read| read < MOST_PERIODS) {
        gather(&rows).map(Some)
    } else {
        Ok(None)
    }
}

/// Rows of one period each, newest first, by user.
fn gather(rows: &[QueryResult]) -> Result<HashMap<UserId, Held>, DbErr> {
    let mut all: HashMap<UserId, Held> = HashMap::with_capacity(rows.len());
    let mut plans: Vec<Arc<plan::Model>> = Vec::new();
    for row in rows {
        let user_id: UserId = row.try_get_by_index(0)?;
        let held = match all.entry(user_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let subscription = subscription_at(row, SUBSCRIPTION)?;
                unknown.insert(Held { row: subscription, periods: Vec::new(), plans: Vec::new() })
            }
        };
        held.knows(plan_of(row, &mut plans)?);
        if row.try_get_by_index::<Option<PeriodId>>(PERIOD)?.is_some() {
            held.periods.push(slot_at(row, PERIOD)?);
        }
    }
    for held in all.values_mut() {
        held.periods.reverse();
    }
    Ok(all)
}

/// The plan of a row, read once for all rows that have it.
fn plan_of(row: &QueryResult, known: &mut Vec<Arc<plan::Model>>) -> Result<Arc<plan::Model>, DbErr> {
    let id = row.try_get_by_index(PLAN)?;
    if let Some(plan) = known.iter().find(|plan| plan.id == id) {
        return Ok(Arc::clone(plan));
    }
    let plan = Arc::new(plan_at(row, PLAN)?);
    known.push(Arc::clone(&plan));
    Ok(plan)
}

impl Held {
    /// How it stands at `now`.
    ///
    /// # Errors
    /// When the plan that runs is not among those that were read.
    pub(crate) fn at(self, now: DateTime<Utc>) -> Result<Subscribed, DbErr> {
        let (status, plan_id, changes_at) = match State::at(&self.periods, now) {
            Some(state) => (state.status, state.plan_id, state.changes_at),
            None => (self.row.status, self.row.plan_id, None),
        };
        let plan = self.plans.into_iter().find(|plan| plan.id == plan_id);
        let plan = plan.ok_or_else(|| DbErr::RecordNotFound("plan of a subscription".to_owned()))?;
        let plan = Arc::unwrap_or_clone(plan);
        Ok(Subscribed { row: self.row, status, plan, changes_at, periods: self.periods })
    }

    fn knows(&mut self, plan: Arc<plan::Model>) {
        if self.plans.iter().all(|known| known.id != plan.id) {
            self.plans.push(plan);
        }
    }
}

/// What is read of a table: its columns, and what a row holds of them from column `at` on. By place and not by name, which
/// would have to be put together for each value of each row.
macro_rules! read_in_order {
    ($columns:ident, $read:ident, $of:ty, [$($field:ident),+ $(,)?]) => {
        const $columns: &[&str] = &[$(stringify!($field)),+];

        fn $read(row: &QueryResult, mut at: usize) -> Result<$of, DbErr> {
            type Read = $of;
            let mut next = || {
                at += 1;
                at - 1
            };
            Ok(Read { $($field: row.try_get_by_index(next())?),+ })
        }
    };
}

read_in_order!(
    SUBSCRIPTION_COLUMNS,
    subscription_at,
    subscription::Model,
    [id, user_id, plan_id, status, is_active, start_date, end_date, changes_at, created_at, updated_at]
);
read_in_order!(PERIOD_COLUMNS, slot_at, Slot, [id, order_id, plan_id, starts_at, ends_at]);
read_in_order!(
    PLAN_COLUMNS,
    plan_at,
    plan::Model,
    [id, code, name, r#type, price, currency, interval_months, is_active, created_at, updated_at]
);

/// Where each table's columns begin; before them is whose they are.
const SUBSCRIPTION: usize = 1;
const PERIOD: usize = SUBSCRIPTION + SUBSCRIPTION_COLUMNS.len();
const PLAN: usize = PERIOD + PERIOD_COLUMNS.len();

fn select(whose: &str) -> String {
    let tables = [("s", SUBSCRIPTION_COLUMNS), ("p", PERIOD_COLUMNS), ("l", PLAN_COLUMNS)];
    let columns = tables.into_iter().flat_map(|(alias, columns)| {
        columns.iter().map(move |column| format!("{alias}.{}", column.trim_start_matches("r#")))
    });
    format!(
        "SELECT s.user_id, {} FROM subscription s
        LEFT JOIN subscription_period p ON p.subscription_id = s.id AND p.revoked_at IS NULL
        JOIN plan l ON l.id = COALESCE(p.plan_id, s.plan_id)
        WHERE s.user_id {whose} ORDER BY p.starts_at DESC LIMIT $2",
        columns.collect::<Vec<_>>().join(", ")
    )
}

static ONE: LazyLock<String> = LazyLock::new(|| select("= $1"));
static MANY: LazyLock<String> =
    LazyLock::new(|| select("= ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))"));
static MANY_SQLITE: LazyLock<String> = LazyLock::new(|| select("IN (SELECT value FROM json_each($1))"));

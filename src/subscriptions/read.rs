//! Reads users' subscriptions as they stand at an instant: the entitlement check, in one statement.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entity::subscription::SubscriptionStatus;
use entity::{UserId, plan, subscription, subscription_period};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, QueryResult, Statement, Value};

use super::schedule::Slot;
use super::state::State;
use crate::db::columns;

/// Periods that are read at most, newest first kept: fifty years of months.
const MOST_PERIODS: usize = 600;

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
    pub periods: Vec<subscription_period::Model>,
}

/// What the books hold of a user's subscription.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(super) row: subscription::Model,
    /// The periods that no refund took back, in the order of time.
    pub(super) periods: Vec<subscription_period::Model>,
    /// Their plans, and that of the row where there are none.
    pub(super) plans: HashMap<entity::PlanId, plan::Model>,
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
    let most = i64::try_from(MOST_PERIODS).unwrap_or(i64::MAX);
    let values: [Value; 2] = [user_id.clone().into(), most.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), ONE.as_str(), values);
    let mut all = gather(&db.query_all_raw(statement).await?)?;
    Ok(all.remove(user_id))
}

/// What the books hold of each of `user_ids`, in one statement; none when they hold more than one statement should read.
pub(super) async fn held_together(
    db: &impl ConnectionTrait,
    user_ids: &[UserId],
) -> Result<Option<HashMap<UserId, Held>>, DbErr> {
    let ids = serde_json::Value::from_iter(user_ids.iter().map(UserId::as_str)).to_string();
    let most = i64::try_from(MOST_PERIODS).unwrap_or(i64::MAX);
    let values: [Value; 2] = [ids.into(), most.into()];
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => &MANY_SQLITE,
        _ => &MANY,
    };
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql.as_str(), values);
    let rows = db.query_all_raw(statement).await?;
    if rows.len() >= MOST_PERIODS { Ok(None) } else { gather(&rows).map(Some) }
}

/// Rows of one period each, newest first, by user.
fn gather(rows: &[QueryResult]) -> Result<HashMap<UserId, Held>, DbErr> {
    let mut all: HashMap<UserId, Held> = HashMap::new();
    for row in rows {
        let user_id: UserId = row.try_get("s_", "user_id")?;
        let held = match all.entry(user_id) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(unknown) => unknown.insert(Held {
                row: subscription::Model::from_query_result(row, "s_")?,
                periods: Vec::new(),
                plans: HashMap::new(),
            }),
        };
        let plan = plan::Model::from_query_result(row, "l_")?;
        held.plans.insert(plan.id, plan);
        if row.try_get::<Option<String>>("p_", "id")?.is_some() {
            held.periods.push(subscription_period::Model::from_query_result(row, "p_")?);
        }
    }
    for held in all.values_mut() {
        held.periods.reverse();
    }
    Ok(all)
}

impl Held {
    /// How it stands at `now`.
    ///
    /// # Errors
    /// When the plan that runs is not among those that were read.
    pub(crate) fn at(mut self, now: DateTime<Utc>) -> Result<Subscribed, DbErr> {
        let slots: Vec<Slot> = self.periods.iter().map(slot).collect();
        let (status, plan_id, changes_at) = match State::at(&slots, now) {
            Some(state) => (state.status, state.plan_id, state.changes_at),
            None => (self.row.status, self.row.plan_id, None),
        };
        let plan = self.plans.remove(&plan_id);
        let plan = plan.ok_or_else(|| DbErr::RecordNotFound("plan of a subscription".to_owned()))?;
        Ok(Subscribed { row: self.row, status, plan, changes_at, periods: self.periods })
    }
}

fn slot(period: &subscription_period::Model) -> Slot {
    Slot {
        id: period.id,
        order_id: period.order_id.clone(),
        plan_id: period.plan_id,
        starts_at: period.starts_at,
        ends_at: period.ends_at,
    }
}

fn select(whose: &str) -> String {
    format!(
        "SELECT {}, {}, {} FROM subscription s
        LEFT JOIN subscription_period p ON p.subscription_id = s.id AND p.revoked_at IS NULL
        JOIN plan l ON l.id = COALESCE(p.plan_id, s.plan_id)
        WHERE s.user_id {whose} ORDER BY p.starts_at DESC LIMIT $2",
        columns::<subscription::Entity>("s"),
        columns::<subscription_period::Entity>("p"),
        columns::<plan::Entity>("l"),
    )
}

static ONE: LazyLock<String> = LazyLock::new(|| select("= $1"));
static MANY: LazyLock<String> =
    LazyLock::new(|| select("= ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))"));
static MANY_SQLITE: LazyLock<String> = LazyLock::new(|| select("IN (SELECT value FROM json_each($1))"));

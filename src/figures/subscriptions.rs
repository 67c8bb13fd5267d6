//! Who stays: subscriptions that run now and what they bring in a month; new, renewed and lost ones by day.
//!
//! - **Active**: some live period of it has begun and has not ended, by the clock; the nightly job need not have run.
//! - **MRR** of a plan: what was paid for the periods that run now, each divided by the months it was sold as. Periods of
//!   equal length are summed before they are divided, and fractions of a won are dropped then. A partial refund changes
//!   nothing: it takes no time back.
//! - **New** on a day: a period bought by somebody who had no paid time left then: the first ever, or after a lapse.
//! - **Renewed** on a day: a period bought while earlier paid time ran or waited: the same plan again, or another one.
//!   Both are counted as they were bought: a later refund does not change that day, and a deposit that the bank took back
//!   stays counted as bought and stands in lost.
//! - **Lost** on a day: the subscription's paid time ran out on it, or its last money was refunded on it, and it has not
//!   come back up to now. One that comes back is new on that day, and no longer lost on the earlier one.

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement};
use serde::Serialize;

use super::days::Days;

/// Plans, times the lengths in which they were sold, that are shown at most: those that bring most.
pub(super) const MOST_ROWS: i64 = 1_000;

/// How many came, stayed and went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Flow {
    /// Bought without paid time left.
    pub new: i64,
    /// Bought while paid time was left.
    pub renewed: i64,
    /// Ran out or refunded away, and not back.
    pub lost: i64,
}

/// The flow of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowDay {
    /// The day, in the billing time zone.
    pub day: NaiveDate,
    /// Its flow.
    #[serde(flatten)]
    pub flow: Flow,
}

/// What a plan has now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanFigures {
    /// The plan.
    pub plan_id: String,
    /// Its name in code.
    pub code: String,
    /// Its name for people.
    pub name: String,
    /// Subscriptions of it that run now.
    pub active: i64,
    /// What they bring in a month, in won.
    pub mrr: i64,
}

/// Subscriptions now, and how it came to that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionFigures {
    /// Those that run now.
    pub active: i64,
    /// What they bring in a month, in won.
    pub mrr: i64,
    /// The plans of which any runs now, those that bring most first.
    pub plans: Vec<PlanFigures>,
    /// The flow of all days.
    pub total: Flow,
    /// The flow of every day.
    pub days: Vec<FlowDay>,
}

#[derive(Debug, FromQueryResult)]
struct Running {
    plan_id: String,
    code: String,
    name: String,
    months: i64,
    number: i64,
    amount: i64,
}

#[derive(Debug, FromQueryResult)]
struct Counted {
    n: i64,
    came: i64,
    stayed: i64,
    went: i64,
}

/// One period of a subscription runs at a time. One that begins with its own purchase runs even where Toss's clock is
/// ahead of ours.
pub(super) const RUNNING: &str = "
    SELECT g.plan_id AS plan_id, l.code AS code, l.name AS name, CAST(g.months AS bigint) AS months, g.number AS number,
        g.amount AS amount
    FROM (SELECT p.plan_id, p.interval_months AS months, COUNT(*) AS number, CAST(SUM(p.amount) AS bigint) AS amount
        FROM subscription_period p
        WHERE p.revoked_at IS NULL AND p.ends_at > $1 AND (p.starts_at <= $1 OR p.starts_at = p.purchased_at)
        GROUP BY p.plan_id, p.interval_months) g
    JOIN plan l ON l.id = g.plan_id
    ORDER BY g.amount / g.months DESC, g.plan_id, g.months LIMIT $2";

/// Counted day by day out of two indexes. A subscription's `end_date` is the end of its last live period, or when the last
/// refund took everything back; coming back moves it into the future.
pub(super) const FLOW: &str = "
    SELECT d.n AS n,
        (SELECT COUNT(*) FROM subscription_period p
            WHERE p.renews = false AND p.purchased_at >= d.since AND p.purchased_at < d.until) AS came,
        (SELECT COUNT(*) FROM subscription_period p
            WHERE p.renews = true AND p.purchased_at >= d.since AND p.purchased_at < d.until) AS stayed,
        (SELECT COUNT(*) FROM subscription s
            WHERE s.end_date >= d.since AND s.end_date < d.until AND s.end_date <= $1) AS went
    FROM local_day d";

/// Subscriptions at `now`, and their flow on `days`.
pub(super) async fn subscriptions(
    db: &impl ConnectionTrait,
    days: &Days,
    now: DateTime<Utc>,
) -> Result<SubscriptionFigures, DbErr> {
    let backend = db.get_database_backend();
    let running = Statement::from_sql_and_values(backend, RUNNING, [now.into(), MOST_ROWS.into()]);
    let plans = by_plan(Running::find_by_statement(running).all(db).await?);
    let counted = Counted::find_by_statement(days.statement(backend, FLOW, vec![now.into()])).all(db).await?;
    let mut by_day = days.map(|day| FlowDay { day, flow: Flow::default() });
    let mut total = Flow::default();
    for counted in counted {
        let day = usize::try_from(counted.n).ok().and_then(|n| by_day.get_mut(n));
        for flow in day.into_iter().map(|day| &mut day.flow).chain([&mut total]) {
            flow.new += counted.came;
            flow.renewed += counted.stayed;
            flow.lost += counted.went;
        }
    }
    let (active, mrr) =
        plans.iter().fold((0, 0), |(active, mrr), plan| (active + plan.active, mrr + plan.mrr));
    Ok(SubscriptionFigures { active, mrr, plans, total, days: by_day })
}

/// The same plan may have been sold in several lengths.
fn by_plan(running: Vec<Running>) -> Vec<PlanFigures> {
    let mut plans: Vec<PlanFigures> = Vec::new();
    for row in running {
        let mrr = row.amount / row.months.max(1);
        match plans.iter_mut().find(|plan| plan.plan_id == row.plan_id) {
            Some(plan) => (plan.active, plan.mrr) = (plan.active + row.number, plan.mrr + mrr),
            None => plans.push(PlanFigures {
                plan_id: row.plan_id,
                code: row.code,
                name: row.name,
                active: row.number,
                mrr,
            }),
        }
    }
    plans.sort_by(|one, other| (other.mrr, &one.code).cmp(&(one.mrr, &other.code)));
    plans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(plan: &str, months: i64, number: i64, amount: i64) -> Running {
        let text = || plan.to_owned();
        Running { plan_id: text(), code: text(), name: text(), months, number, amount }
    }

    #[test]
    fn a_plan_sold_in_two_lengths_is_one_row_and_won_are_whole() {
        let plans = by_plan(vec![row("A", 1, 2, 20_000), row("B", 12, 1, 100_000), row("A", 12, 1, 100_000)]);
        let mrr: Vec<_> = plans.iter().map(|plan| (plan.code.as_str(), plan.active, plan.mrr)).collect();
        assert_eq!(mrr, [("A", 3, 28_333), ("B", 1, 8_333)]);
    }
}

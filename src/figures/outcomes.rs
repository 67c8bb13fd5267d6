//! How offers to Toss end: approved, or declined and by which code.
//!
//! - An **approval** counts on the day on which Toss approved it, of a virtual account on that of its deposit.
//! - A **decline** is a definite no to an offer that we made, and counts when it was written down; a buyer who is declined
//!   twice and then pays is two declines and one approval.
//! - What failed in the payment window never was an offer, and an account that was closed before anybody paid had been issued:
//!   both are listed by code and not in the rate.
//! - Toss tells the method of a decline only where it shows the payment; elsewhere the method is unknown (`null`), and the
//!   rate of a method is that of the declines that are known.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement, Value};
use serde::Serialize;

use super::days::Days;
use super::revenue::Sale;

/// Groups of failures that are listed at most, the largest first. The fail URL brings codes from browsers, which may
/// invent any.
pub(super) const MOST_GROUPS: i64 = 100;

/// How offers of some days ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeFigures {
    /// Offers that ended: approved and declined.
    pub attempts: i64,
    /// Those that Toss approved.
    pub approved: i64,
    /// Those that Toss declined.
    pub declined: i64,
    /// Approved of a thousand that ended; none where none did.
    pub approved_per_mille: Option<i64>,
    /// By method, the most frequent first.
    pub methods: Vec<MethodOutcome>,
    /// By stage and code, the most frequent first; at most 100.
    pub declines: Vec<Decline>,
}

/// How offers by one method ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MethodOutcome {
    /// The card issuer's name, the provider of an easy payment, else the method's name; none where it is unknown.
    pub method: Option<String>,
    /// Approved by it.
    pub approved: i64,
    /// Declined and known to be by it.
    pub declined: i64,
    /// Approved of a thousand; none for the unknown method, whose approvals carry names.
    pub approved_per_mille: Option<i64>,
}

/// Failures with one code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decline {
    /// Where it failed.
    pub stage: Stage,
    /// Toss's code.
    pub code: String,
    /// How often.
    pub number: i64,
}

/// Where a purchase failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Stage {
    /// Toss declined our offer.
    Confirm,
    /// In the payment window, as the buyer's browser tells it.
    Window,
    /// The account that was issued was closed before anybody paid.
    Deposit,
}

#[derive(Debug, FromQueryResult)]
struct Failed {
    stage: String,
    code: String,
    method: Option<String>,
    number: i64,
}

/// `code IS NOT NULL` is in the index's own words: only failures have one.
pub(super) const FAILED: &str = "
    SELECT f.stage AS stage, f.code AS code, f.payment_method AS method, COUNT(*) AS number
    FROM (SELECT CASE WHEN e.cause = 'FAIL' THEN 'WINDOW' WHEN e.from_status = 'WAITING_FOR_DEPOSIT' THEN 'DEPOSIT'
            ELSE 'CONFIRM' END AS stage, e.code, e.payment_method
        FROM payment_event e
        WHERE e.code IS NOT NULL AND e.created_at >= $1 AND e.created_at < $2) f
    GROUP BY f.stage, f.code, f.payment_method
    ORDER BY COUNT(*) DESC, f.stage, f.code, f.payment_method LIMIT $3";

/// All declines, also those that the list has no room for.
pub(super) const DECLINED: &str = "
    SELECT COUNT(*) AS number FROM payment_event e
    WHERE e.code IS NOT NULL AND e.created_at >= $1 AND e.created_at < $2
        AND e.cause <> 'FAIL' AND COALESCE(e.from_status, '') <> 'WAITING_FOR_DEPOSIT'";

/// How the offers of `days` ended, whose approvals are `sales`.
pub(super) async fn outcomes(
    db: &impl ConnectionTrait,
    days: &Days,
    sales: &[Sale],
) -> Result<OutcomeFigures, DbErr> {
    let backend = db.get_database_backend();
    let range: [Value; 2] = [days.since().into(), days.until().into()];
    let limited = range.iter().cloned().chain([MOST_GROUPS.into()]);
    let statement = Statement::from_sql_and_values(backend, FAILED, limited);
    let failed = Failed::find_by_statement(statement).all(db).await?;
    let all = db.query_one_raw(Statement::from_sql_and_values(backend, DECLINED, range)).await?;
    let declined = all.map_or(Ok(0), |row| row.try_get::<i64>("", "number"))?;
    let approved = sales.iter().map(|sale| sale.number).sum();
    Ok(OutcomeFigures {
        attempts: approved + declined,
        approved,
        declined,
        approved_per_mille: per_mille(approved, declined),
        methods: by_method(sales, &failed, declined),
        declines: by_code(&failed),
    })
}

/// Approved and declined by method. Declines that the list has no room for are of an unknown method.
fn by_method(sales: &[Sale], failed: &[Failed], declined: i64) -> Vec<MethodOutcome> {
    let mut methods: BTreeMap<Option<&str>, (i64, i64)> = BTreeMap::new();
    for sale in sales {
        methods.entry(sale.method.as_deref()).or_default().0 += sale.number;
    }
    let mut listed = 0;
    for row in failed.iter().filter(|row| stage(row) == Stage::Confirm) {
        methods.entry(row.method.as_deref()).or_default().1 += row.number;
        listed += row.number;
    }
    if declined > listed {
        methods.entry(None).or_default().1 += declined - listed;
    }
    let outcome = |(method, (approved, declined)): (Option<&str>, (i64, i64))| MethodOutcome {
        method: method.map(str::to_owned),
        approved,
        declined,
        approved_per_mille: method.and_then(|_| per_mille(approved, declined)),
    };
    let mut methods: Vec<MethodOutcome> = methods.into_iter().map(outcome).collect();
    methods.sort_by_key(|outcome| std::cmp::Reverse(outcome.approved + outcome.declined));
    methods
}

fn by_code(failed: &[Failed]) -> Vec<Decline> {
    let mut codes: BTreeMap<(Stage, &str), i64> = BTreeMap::new();
    for row in failed {
        *codes.entry((stage(row), &row.code)).or_default() += row.number;
    }
    let decline =
        |((stage, code), number): ((Stage, &str), i64)| Decline { stage, code: code.to_owned(), number };
    let mut declines: Vec<Decline> = codes.into_iter().map(decline).collect();
    declines.sort_by_key(|decline| std::cmp::Reverse(decline.number));
    declines
}

fn stage(row: &Failed) -> Stage {
    match row.stage.as_str() {
        "WINDOW" => Stage::Window,
        "DEPOSIT" => Stage::Deposit,
        _ => Stage::Confirm,
    }
}

fn per_mille(approved: i64, declined: i64) -> Option<i64> {
    (approved * 1_000).checked_div(approved + declined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_nothing_is_no_rate() {
        assert_eq!(per_mille(0, 0), None);
        assert_eq!(per_mille(2, 1), Some(666));
        assert_eq!(per_mille(0, 1), Some(0));
    }
}

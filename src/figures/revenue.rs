//! Revenue by day: what was approved and what went back, in won.
//!
//! - **Gross** of a day is the amount of every payment that Toss approved on it, whatever became of it later.
//! - **Refunded** of a day is what was given back on it, whenever it had been paid.
//! - A deposit that the bank took back was never revenue: its payment loses `approved_at`, and with it its place on the
//!   day on which it was counted before. One that comes again counts on the day on which it came again.
//! - Money that came in by a second attempt of a paid order, and was given back at once, is in no figure: such an approval
//!   never becomes a payment. Where the order's only approval could not be honoured, it stands in gross and in refunded
//!   alike, so that net is what stayed.

use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use serde::Serialize;

use super::days::Days;

/// Money in a stretch of time, in won.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Revenue {
    /// What Toss approved.
    pub gross: i64,
    /// What was given back.
    pub refunded: i64,
    /// Gross minus refunded; less than nothing where more went back than came in.
    pub net: i64,
    /// Approved payments.
    pub payments: i64,
    /// Refunds, partial ones included.
    pub refunds: i64,
}

/// Money of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevenueDay {
    /// The day, in the billing time zone.
    pub day: NaiveDate,
    /// Its money.
    #[serde(flatten)]
    pub revenue: Revenue,
}

/// Revenue by day, and all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevenueFigures {
    /// All days together.
    pub total: Revenue,
    /// Every day, also those without money.
    pub days: Vec<RevenueDay>,
}

/// Approved payments of one day by one method.
#[derive(Debug, FromQueryResult)]
pub(super) struct Sale {
    /// The day's number.
    n: i64,
    /// By what it was paid.
    pub method: Option<String>,
    /// How many.
    pub number: i64,
    /// How much, in won.
    amount: i64,
}

#[derive(Debug, FromQueryResult)]
struct GivenBack {
    n: i64,
    number: i64,
    amount: i64,
}

/// One pass gives the money by day and the approvals by method. Toss's methods are few, so the rows are.
/// (`CROSS JOIN` keeps SQLite from turning the loops round; `IS NOT NULL` is in the index's own words.)
pub(super) const SALES: &str = "
    SELECT d.n AS n, p.payment_method AS method, COUNT(*) AS number, CAST(SUM(p.amount) AS bigint) AS amount
    FROM local_day d CROSS JOIN payment p
    WHERE p.approved_at IS NOT NULL AND p.approved_at >= d.since AND p.approved_at < d.until
    GROUP BY d.n, p.payment_method";

/// (`NOT IN`, because SQLite would build an index of its own for an equality.)
pub(super) const REFUNDS: &str = "
    SELECT d.n AS n, COUNT(*) AS number, CAST(SUM(r.amount) AS bigint) AS amount
    FROM local_day d CROSS JOIN refund r
    WHERE r.refunded_at IS NOT NULL AND r.refunded_at >= d.since AND r.refunded_at < d.until
        AND r.status NOT IN ('PENDING', 'FAILED')
    GROUP BY d.n";

/// Approved payments by day and method.
pub(super) async fn sales(db: &impl ConnectionTrait, days: &Days) -> Result<Vec<Sale>, DbErr> {
    let statement = days.statement(db.get_database_backend(), SALES, Vec::new());
    Sale::find_by_statement(statement).all(db).await
}

/// Revenue of `days`, whose approvals are `sales`.
pub(super) async fn revenue(
    db: &impl ConnectionTrait,
    days: &Days,
    sales: &[Sale],
) -> Result<RevenueFigures, DbErr> {
    let statement = days.statement(db.get_database_backend(), REFUNDS, Vec::new());
    let refunds = GivenBack::find_by_statement(statement).all(db).await?;
    let mut by_day = days.map(|day| RevenueDay { day, revenue: Revenue::default() });
    let mut total = Revenue::default();
    let mut add = |n: i64, change: &dyn Fn(&mut Revenue)| {
        let day = usize::try_from(n).ok().and_then(|n| by_day.get_mut(n));
        day.into_iter().map(|day| &mut day.revenue).chain([&mut total]).for_each(|revenue| {
            change(revenue);
            revenue.net = revenue.gross - revenue.refunded;
        });
    };
    for sale in sales {
        add(sale.n, &|revenue| {
            revenue.gross += sale.amount;
            revenue.payments += sale.number;
        });
    }
    for refund in refunds {
        add(refund.n, &|revenue| {
            revenue.refunded += refund.amount;
            revenue.refunds += refund.number;
        });
    }
    Ok(RevenueFigures { total, days: by_day })
}

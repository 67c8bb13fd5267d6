//! The parts of the list, the most urgent first: causes before what they cause, lost money before slow work.

use chrono::{DateTime, Duration, Utc};
use entity::refund::RefundStatus;
use entity::{compensation, finding, payment, refund, webhook};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};

use super::{Item, Kind};
use crate::app::App;
use crate::http::page::{Page, PageRequest, page_of};
use crate::jobs;

/// How long something may stay open before a person should look.
const PATIENCE: Duration = Duration::hours(1);
/// How long people are reminded of a buyer who should be told.
const TELL_FOR: Duration = Duration::days(7);

/// One part of the list, which comes from one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Jobs that fail or do not run.
    Jobs,
    /// Findings.
    Findings,
    /// What cannot be honoured and Toss does not cancel.
    FailedCompensations,
    /// Payments whose outcome is unknown.
    Payments,
    /// Refunds whose outcome is unknown.
    Refunds,
    /// What cannot be honoured and is not cancelled yet.
    Compensations,
    /// Webhooks that nobody has looked into.
    Webhooks,
    /// What could not be honoured and has been cancelled.
    DoneCompensations,
}

impl Part {
    /// Every part, in the order of the list.
    pub const ALL: [Part; 8] = [
        Part::Jobs,
        Part::Findings,
        Part::FailedCompensations,
        Part::Payments,
        Part::Refunds,
        Part::Compensations,
        Part::Webhooks,
        Part::DoneCompensations,
    ];

    /// Its name in cursors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jobs => "attention-jobs",
            Self::Findings => "attention-findings",
            Self::FailedCompensations => "attention-failed",
            Self::Payments => "attention-payments",
            Self::Refunds => "attention-refunds",
            Self::Compensations => "attention-compensations",
            Self::Webhooks => "attention-webhooks",
            Self::DoneCompensations => "attention-done",
        }
    }

    /// One page of it as of `now`, newest first; jobs by name.
    pub(super) async fn page(
        self,
        app: &App,
        page: &PageRequest,
        now: DateTime<Utc>,
    ) -> Result<Page<Item>, DbErr> {
        match self {
            Self::Jobs => jobs(app, page, now).await,
            Self::Findings => findings(app, page).await,
            Self::Payments => payments(app, page, now).await,
            Self::Refunds => refunds(app, page, now).await,
            Self::Webhooks => webhooks(app, page, now).await,
            Self::FailedCompensations => compensations(app, page, RefundStatus::Failed, None).await,
            Self::Compensations => open_compensations(app, page, now).await,
            Self::DoneCompensations => {
                compensations(app, page, RefundStatus::Done, Some(now - TELL_FOR)).await
            }
        }
    }
}

/// There are few jobs, and no table of them.
async fn jobs(app: &App, page: &PageRequest, now: DateTime<Utc>) -> Result<Page<Item>, DbErr> {
    let mut items = Vec::new();
    for standing in jobs::standings(app.db.read(), now).await? {
        let job = standing.job;
        let found = |kind: Kind, since| Item {
            job: Some(job),
            ..Item::new(kind, since, format!("{}-{}", job.name(), kind.name()))
        };
        if let Some(since) = standing.failing_since {
            let error = standing.last_finished.as_ref().and_then(|run| run.error.clone());
            items.push(Item { note: error, ..found(Kind::JobFailed, since) });
        }
        let schedule = job.schedule(app);
        if let Some(since) = standing.overdue_since(schedule, app.config.billing.timezone, now) {
            items.push(found(Kind::JobOverdue, since));
        }
    }
    items.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(page.of_all(items, |item| (item.since, item.id.clone())))
}

async fn findings(app: &App, page: &PageRequest) -> Result<Page<Item>, DbErr> {
    use finding::Column;
    let open = finding::Entity::find().filter(Column::ResolvedAt.is_null());
    let key = |row: &finding::Model| (row.first_seen_at, row.id.to_string());
    Ok(page_of(app.db.read(), open, (Column::FirstSeenAt, Column::Id), page, key).await?.map(Item::from))
}

async fn payments(app: &App, page: &PageRequest, now: DateTime<Utc>) -> Result<Page<Item>, DbErr> {
    use payment::Column;
    let unknown = payment::Entity::find()
        // Said in SQL, so that it is known how few they are.
        .filter(Expr::cust("status = 'IN_PROGRESS'"))
        .filter(Column::AttemptedAt.lte(now - PATIENCE));
    let key = |row: &payment::Model| (row.attempted_at.unwrap_or(row.created_at), row.order_id.to_string());
    let columns = (Column::AttemptedAt, Column::OrderId);
    Ok(page_of(app.db.read(), unknown, columns, page, key).await?.map(Item::from))
}

async fn refunds(app: &App, page: &PageRequest, now: DateTime<Utc>) -> Result<Page<Item>, DbErr> {
    use refund::Column;
    let unknown = refund::Entity::find()
        .filter(Column::NextSettleAt.is_not_null())
        .filter(Column::CreatedAt.lte(now - PATIENCE));
    let key = |row: &refund::Model| (row.created_at, row.id.to_string());
    Ok(page_of(app.db.read(), unknown, (Column::CreatedAt, Column::Id), page, key).await?.map(Item::from))
}

async fn open_compensations(app: &App, page: &PageRequest, now: DateTime<Utc>) -> Result<Page<Item>, DbErr> {
    use compensation::Column;
    let open = compensation::Entity::find()
        .filter(Column::NextSettleAt.is_not_null())
        .filter(Column::CreatedAt.lte(now - PATIENCE));
    let key = |row: &compensation::Model| (row.created_at, row.payment_key.to_string());
    Ok(page_of(app.db.read(), open, (Column::CreatedAt, Column::PaymentKey), page, key)
        .await?
        .map(Item::from))
}

async fn compensations(
    app: &App,
    page: &PageRequest,
    status: RefundStatus,
    after: Option<DateTime<Utc>>,
) -> Result<Page<Item>, DbErr> {
    use compensation::Column;
    let mut ended = compensation::Entity::find().filter(Column::Status.eq(status));
    if let Some(after) = after {
        ended = ended.filter(Column::FinishedAt.gt(after));
    }
    let key =
        |row: &compensation::Model| (row.finished_at.unwrap_or(row.created_at), row.payment_key.to_string());
    let columns = (Column::FinishedAt, Column::PaymentKey);
    Ok(page_of(app.db.read(), ended, columns, page, key).await?.map(Item::from))
}

async fn webhooks(app: &App, page: &PageRequest, now: DateTime<Utc>) -> Result<Page<Item>, DbErr> {
    use webhook::Column;
    let pending = webhook::Entity::find()
        .filter(Column::NextTryAt.is_not_null())
        .filter(Column::ReceivedAt.lte(now - PATIENCE));
    let key = |row: &webhook::Model| (row.received_at, row.id.to_string());
    Ok(page_of(app.db.read(), pending, (Column::ReceivedAt, Column::Id), page, key).await?.map(Item::from))
}

//! Gives out what the books hold about a user, as one JSON document that is written piece by piece.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use entity::{
    OrderId, UserId, checkout, compensation, customer, event_amount, finding, idempotency_key, payment,
    payment_event, refund, subscription, subscription_period, temp_order, webhook,
};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Value, json};

use super::rows::{self, Items};
use crate::app::App;
use crate::auth::Principal;
use crate::check;
use crate::db::Tx;

/// Orders that are in memory at once.
const BATCH: u64 = 100;

/// Why there is no export, or only a part of one.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Nobody is called that, or not any more.
    #[error("there is no such user")]
    NoSuchUser,
    /// It cannot be written.
    #[error("the export cannot be written: {0}")]
    Write(#[from] io::Error),
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Writes everything about the user to `out`, as the books stood at one moment.
///
/// # Errors
/// [`ExportError`]; `out` may hold a part by then, unless there is no such user.
pub async fn export<W: Write>(
    app: &App,
    user_id: &UserId,
    out: &mut W,
    now: DateTime<Utc>,
) -> Result<(), ExportError> {
    let snapshot = app.db.snapshot().await?;
    let db = snapshot.connection();
    let found = customer::Entity::find_by_id(user_id.clone()).one(db).await?;
    let customer = found.ok_or(ExportError::NoSuchUser)?;
    let subscription =
        subscription::Entity::find().filter(subscription::Column::UserId.eq(user_id.clone())).one(db).await?;
    write!(out, "{{\n\"userId\": {}", json!(user_id.as_str()))?;
    write!(out, ",\n\"exportedAt\": {}", json!(now))?;
    write!(out, ",\n\"customer\": {}", rows::customer(&customer))?;
    write!(out, ",\n\"subscription\": {}", json!(subscription.as_ref().map(rows::subscription)))?;
    temp_orders(db, user_id, out).await?;
    payments(db, user_id, out).await?;
    let about = finding::Entity::find()
        .filter(finding::Column::Subject.eq(check::subject_of_user(user_id)))
        .all(db)
        .await?;
    list(out, "findings", about.iter().map(rows::finding))?;
    let requests = idempotency_key::Entity::find()
        .filter(idempotency_key::Column::Caller.eq(Principal::User(user_id.clone()).scope()))
        .all(db)
        .await?;
    list(out, "requests", requests.iter().map(rows::request))?;
    out.write_all(b"\n}\n")?;
    Ok(out.flush()?)
}

fn list<W: Write>(out: &mut W, name: &str, items: impl Iterator<Item = Value>) -> io::Result<()> {
    let mut list = Items::begin(out, name)?;
    for item in items {
        list.push(&item)?;
    }
    list.end()
}

async fn temp_orders<W: Write>(db: &Tx, user_id: &UserId, out: &mut W) -> Result<(), ExportError> {
    use temp_order::Column;
    let mut list = Items::begin(out, "tempOrders")?;
    let mut last: Option<OrderId> = None;
    loop {
        let mut batch = temp_order::Entity::find().filter(Column::UserId.eq(user_id.clone()));
        if let Some(last) = &last {
            batch = batch.filter(Column::OrderId.gt(last.clone()));
        }
        let batch = batch.order_by_asc(Column::OrderId).limit(BATCH).all(db).await?;
        let Some(end) = batch.last() else { break };
        last = Some(end.order_id.clone());
        let pages = checkout::Entity::find()
            .filter(checkout::Column::OrderId.is_in(batch.iter().map(|row| row.order_id.clone())))
            .all(db)
            .await?;
        for row in &batch {
            let mut item = rows::temp_order(row);
            let page = pages.iter().find(|page| page.order_id == row.order_id);
            item["checkout"] = json!(page.map(rows::checkout));
            list.push(&item)?;
        }
    }
    Ok(list.end()?)
}

async fn payments<W: Write>(db: &Tx, user_id: &UserId, out: &mut W) -> Result<(), ExportError> {
    use payment::Column;
    let mut list = Items::begin(out, "payments")?;
    let mut last: Option<OrderId> = None;
    loop {
        let mut batch = payment::Entity::find().filter(Column::UserId.eq(user_id.clone()));
        if let Some(last) = &last {
            batch = batch.filter(Column::OrderId.gt(last.clone()));
        }
        let batch = batch.order_by_asc(Column::OrderId).limit(BATCH).all(db).await?;
        let Some(end) = batch.last() else { break };
        last = Some(end.order_id.clone());
        for item in with_what_belongs(db, &batch).await? {
            list.push(&item)?;
        }
    }
    Ok(list.end()?)
}

/// The payments of one batch, each with the rows of the other tables that are about its order.
async fn with_what_belongs(db: &Tx, batch: &[payment::Model]) -> Result<Vec<Value>, DbErr> {
    let ids: Vec<OrderId> = batch.iter().map(|row| row.order_id.clone()).collect();
    let mut items: Vec<Value> = batch.iter().map(rows::payment).collect();
    /// Adds the rows of one table as a member of their payments.
    macro_rules! add {
        ($member:literal, $table:ident, $by:expr, $write:path) => {
            let found = $table::Entity::find()
                .filter($table::Column::OrderId.is_in(ids.iter().map(|id| id.as_str())))
                .order_by_asc($by)
                .all(db)
                .await?;
            for (item, id) in items.iter_mut().zip(&ids) {
                let own = found.iter().filter(|row| is_of(&row.order_id, id)).map($write);
                item[$member] = own.collect();
            }
        };
    }
    add!("events", payment_event, payment_event::Column::Id, rows::event);
    add!("periods", subscription_period, subscription_period::Column::Id, rows::period);
    add!("refunds", refund, refund::Column::Id, rows::refund);
    add!("eventEntries", event_amount, event_amount::Column::Id, rows::entry);
    add!("compensations", compensation, compensation::Column::CreatedAt, rows::compensation);
    add!("webhooks", webhook, webhook::Column::ReceivedAt, rows::webhook);
    add!("findings", finding, finding::Column::FirstSeenAt, rows::finding);
    add!("checkouts", checkout, checkout::Column::OrderId, rows::checkout);
    Ok(items)
}

/// Whether a row is about the order; in some tables the order is only what somebody claimed it to be.
fn is_of(row: &impl Named, id: &OrderId) -> bool {
    row.name() == Some(id.as_str())
}

trait Named {
    fn name(&self) -> Option<&str>;
}

impl Named for OrderId {
    fn name(&self) -> Option<&str> {
        Some(self.as_str())
    }
}

impl Named for Option<String> {
    fn name(&self) -> Option<&str> {
        self.as_deref()
    }
}

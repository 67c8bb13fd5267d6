//! Works webhooks off: finds the payment that each hints at, and reads it again from Toss.

use chrono::{DateTime, Utc};
use entity::payment_event::Cause;
use entity::webhook::{self, WebhookStatus};
use entity::{OrderId, PaymentKey, WebhookId, payment, payment_event};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
};
use subtle::ConstantTimeEq;

use super::envelope::{DEPOSIT_CALLBACK, Envelope};
use crate::app::App;
use crate::db::transact;
use crate::due::{self, Duty, Outcome};
use crate::findings::{self, Found};
use crate::payments::{Reread, next_delay, reread_key};

/// What became of a webhook that made us ask.
const READ_AGAIN: &str = "read again";
/// How often a webhook is worked on in vain; after that settle and reconcile must do without it.
const MOST_TRIES: i32 = 30;

/// Works off every webhook that is due. Returns how many are over.
///
/// # Errors
/// The database's own; what is over stays over.
pub async fn work_off(app: &App) -> Result<u64, DbErr> {
    due::run::<PendingWebhooks>(app).await
}

/// Webhooks that nobody has looked into.
#[derive(Debug)]
pub(super) enum PendingWebhooks {}

impl Duty for PendingWebhooks {
    type Table = webhook::Entity;
    type Id = WebhookId;

    fn id() -> webhook::Column {
        webhook::Column::Id
    }

    fn due() -> webhook::Column {
        webhook::Column::NextTryAt
    }

    async fn work(app: &App, id: WebhookId) -> Result<Outcome, DbErr> {
        let found = webhook::Entity::find_by_id(id).one(app.db.read()).await?;
        let Some(row) = found.filter(|row| row.status == WebhookStatus::Pending) else {
            return Ok(Outcome::Decided);
        };
        let Some(envelope) = Envelope::read(row.body.as_bytes()) else {
            return finish(app, row, WebhookStatus::Ignored, "unreadable").await;
        };
        match payment_of(app.db.read(), &envelope).await? {
            None => finish(app, row, WebhookStatus::Ignored, "not about a payment of ours").await,
            Some(payment) if is_forged(&envelope, &payment) => {
                tracing::warn!(order_id = %payment.order_id, "a deposit call-back with a wrong secret");
                finish(app, row, WebhookStatus::Ignored, "the secret is wrong").await
            }
            Some(payment) => look_into(app, row, &payment.order_id, envelope.payment_key.as_ref()).await,
        }
    }
}

/// The payment that a webhook hints at: by its order, or by a key that was offered for one.
async fn payment_of(db: &impl ConnectionTrait, envelope: &Envelope) -> Result<Option<payment::Model>, DbErr> {
    if let Some(order_id) = &envelope.order_id {
        return payment::Entity::find_by_id(order_id.clone()).one(db).await;
    }
    let Some(key) = &envelope.payment_key else { return Ok(None) };
    payment::Entity::find()
        .filter(payment::Column::PaymentKey.eq(key.clone()))
        // In the index's own words, or SQLite would not use it.
        .filter(Expr::cust("status NOT IN ('ABORTED', 'EXPIRED')"))
        .one(db)
        .await
}

/// Toss repeats in a deposit call-back what it told us when the account was issued. Where it told nothing, the call-back
/// is as good a hint as any.
fn is_forged(envelope: &Envelope, payment: &payment::Model) -> bool {
    let known = payment.toss_secret.as_deref().filter(|_| envelope.event_type == DEPOSIT_CALLBACK);
    let Some(known) = known else { return false };
    let told = envelope.secret.as_deref().unwrap_or_default();
    !bool::from(told.as_bytes().ct_eq(known.as_bytes()))
}

async fn look_into(
    app: &App,
    row: webhook::Model,
    order_id: &OrderId,
    named: Option<&PaymentKey>,
) -> Result<Outcome, DbErr> {
    // A key that was never offered for the order is a stranger's: the order's own payment is what counts.
    let named = match named {
        Some(key) if offered(app.db.read(), order_id, key).await? => Some(key),
        Some(_) | None => None,
    };
    let asked_at = app.clock.now();
    match reread_key(app, order_id, named, Cause::Webhook).await? {
        Reread::Applied { .. } => {
            same_is_over(app, &row, asked_at).await?;
            finish(app, row, WebhookStatus::Done, READ_AGAIN).await
        }
        Reread::Refused { error, .. } => finish(app, row, WebhookStatus::Done, &error.to_string()).await,
        Reread::Unknown => finish(app, row, WebhookStatus::Ignored, "not about a payment of ours").await,
        // Settle, which knows what may still be under way, decides what that means.
        Reread::Nothing { .. } => finish(app, row, WebhookStatus::Done, "Toss holds no such payment").await,
        Reread::Misconfigured(failure) => {
            findings::note(app, Found::misconfigured(&failure)).await;
            postpone(app, row).await?;
            Ok(Outcome::Misconfigured)
        }
        Reread::Untold { cause } if row.tries >= MOST_TRIES => {
            tracing::warn!(%order_id, cause, "a webhook is given up; reconcile will compare the payment");
            finish(app, row, WebhookStatus::Ignored, "Toss never told").await
        }
        Reread::Untold { .. } => postpone(app, row).await,
    }
}

/// What came about the same payment before the question left has been answered with it: however many there are, Toss is
/// asked once.
async fn same_is_over(app: &App, row: &webhook::Model, asked_at: DateTime<Utc>) -> Result<(), DbErr> {
    use webhook::Column;
    let now = app.clock.now();
    let same_key = match &row.payment_key {
        Some(key) => Column::PaymentKey.eq(key.as_str()),
        None => Column::PaymentKey.is_null(),
    };
    transact!(app.db, |tx| {
        let over = webhook::Entity::update_many()
            .col_expr(Column::Status, Expr::value(WebhookStatus::Done))
            .col_expr(Column::Outcome, Expr::value(READ_AGAIN))
            .col_expr(Column::NextTryAt, Expr::value(Option::<DateTime<Utc>>::None))
            .col_expr(Column::FinishedAt, Expr::value(now))
            .filter(Column::OrderId.eq(row.order_id.clone()))
            .filter(same_key.clone())
            .filter(Column::NextTryAt.is_not_null())
            .filter(Column::ReceivedAt.lte(asked_at))
            .filter(Column::Id.ne(row.id));
        over.exec(tx).await.map(drop)
    })
}

async fn offered(db: &impl ConnectionTrait, order_id: &OrderId, key: &PaymentKey) -> Result<bool, DbErr> {
    let found = payment_event::Entity::find()
        .filter(payment_event::Column::OrderId.eq(order_id.clone()))
        .filter(payment_event::Column::PaymentKey.eq(key.clone()));
    Ok(found.one(db).await?.is_some())
}

async fn finish(
    app: &App,
    row: webhook::Model,
    status: WebhookStatus,
    outcome: &str,
) -> Result<Outcome, DbErr> {
    let now = app.clock.now();
    transact!(app.db, |tx| {
        let mut over = row.clone().into_active_model();
        over.status = Set(status);
        over.outcome = Set(Some(outcome.to_owned()));
        (over.next_try_at, over.finished_at) = (Set(None), Set(Some(now)));
        over.update(tx).await.map(drop)
    })?;
    Ok(Outcome::Decided)
}

async fn postpone(app: &App, row: webhook::Model) -> Result<Outcome, DbErr> {
    let now = app.clock.now();
    transact!(app.db, |tx| {
        let mut open = row.clone().into_active_model();
        open.next_try_at = Set(Some(now + next_delay(row.tries)));
        open.tries = Set(row.tries.saturating_add(1));
        open.update(tx).await.map(drop)
    })?;
    Ok(Outcome::Open)
}

//! Stores a webhook; nothing else happens while Toss waits for the answer.

use chrono::{DateTime, Utc};
use entity::WebhookId;
use entity::webhook::{self, WebhookStatus};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter};
use sha2::{Digest, Sha256};

use super::envelope::Envelope;
use super::work::PendingWebhooks;
use crate::app::App;
use crate::crash::{self, Point};
use crate::db::transact;
use crate::due;

/// What came in.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Toss's `tosspayments-webhook-transmission-id`: the same when it is sent again.
    pub transmission_id: Option<String>,
    /// The body as it came.
    pub body: Vec<u8>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is new.
    Stored,
    /// It came before.
    Repeated,
}

/// Why it is not stored.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// It is no JSON object.
    #[error("no JSON object")]
    NotJson,
    /// Too many came in this minute.
    #[error("too many webhooks; try again after {0} s")]
    TooMany(u32),
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Stores a webhook, once however often it is sent.
///
/// # Errors
/// [`ReceiveError`]; Toss then sends it again.
pub async fn receive(app: &App, arrived: Arrived, now: DateTime<Utc>) -> Result<Received, ReceiveError> {
    let received = store(app, arrived, now).await;
    app.metrics.webhooks.count(match &received {
        Ok(Received::Stored) => "stored",
        Ok(Received::Repeated) => "repeated",
        Err(ReceiveError::NotJson | ReceiveError::TooMany(_)) => "refused",
        Err(ReceiveError::Database(_)) => "failed",
    });
    received
}

async fn store(app: &App, arrived: Arrived, now: DateTime<Utc>) -> Result<Received, ReceiveError> {
    let envelope = Envelope::read(&arrived.body).ok_or(ReceiveError::NotJson)?;
    app.webhook_limit.take(now).map_err(ReceiveError::TooMany)?;
    let row = webhook::Model {
        id: WebhookId::new(),
        dedupe_key: dedupe_key(&arrived),
        body: envelope.kept().into(),
        event_type: envelope.event_type,
        order_id: envelope.order_id.map(|id| id.to_string()),
        payment_key: envelope.payment_key.map(|key| key.to_string()),
        status: WebhookStatus::Pending,
        outcome: None,
        tries: 0,
        next_try_at: Some(now),
        received_at: now,
        finished_at: None,
    };
    let (stored, alone) = transact!(app.db, |tx| {
        let stored = webhook::Entity::insert(row.clone().into_active_model())
            .on_conflict(OnConflict::column(webhook::Column::DedupeKey).do_nothing().to_owned())
            .exec_without_returning(tx)
            .await?;
        // Haste is for the first about an order: the job answers the others with one question.
        let others = webhook::Entity::find()
            .filter(webhook::Column::OrderId.eq(row.order_id.clone()))
            .filter(webhook::Column::NextTryAt.is_not_null())
            .filter(webhook::Column::Id.ne(row.id));
        Ok::<_, DbErr>((stored, others.one(tx).await?.is_none()))
    })?;
    crash::point(Point::WebhookStored);
    tracing::info!(event_type = row.event_type, order_id = row.order_id, again = stored == 0, "webhook");
    if stored == 0 {
        return Ok(Received::Repeated);
    }
    if alone {
        due::follow_up::<PendingWebhooks>(app, row.id);
    }
    Ok(Received::Stored)
}

/// Toss's own name for the transmission, else a digest of what it says.
fn dedupe_key(arrived: &Arrived) -> String {
    let named = arrived.transmission_id.as_deref();
    let sane = |id: &&str| (1..=150).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    match named.filter(sane) {
        Some(id) => format!("id:{id}"),
        None => {
            let digest = Sha256::digest(&arrived.body);
            format!("sha256:{}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
    }
}

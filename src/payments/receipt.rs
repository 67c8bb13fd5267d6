//! A payment together with what it gave: the subscription, or the event amount.

use chrono::{DateTime, Utc};
use entity::{Won, payment};
use sea_orm::DbErr;

use super::apply::Applied;
use crate::app::App;
use crate::subscriptions::{self, Subscribed};

/// A payment and what it gave, as they stand at an instant.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The payment.
    pub payment: payment::Model,
    /// The buyer's subscription, for a plan that sells time, once money came in.
    pub subscription: Option<Subscribed>,
    /// What the order added and the total since, in won, for an event.
    pub event_amount: Option<(Won, i64)>,
}

impl Receipt {
    /// Reads what `payment` gave.
    ///
    /// # Errors
    /// The database's own.
    pub async fn of(app: &App, payment: payment::Model, now: DateTime<Utc>) -> Result<Self, DbErr> {
        Self::with(app, Applied { payment, gave: None }, now).await
    }

    /// Like [`Receipt::of`], without reading what is known.
    ///
    /// # Errors
    /// The database's own.
    pub(super) async fn with(app: &App, applied: Applied, now: DateTime<Utc>) -> Result<Self, DbErr> {
        let (db, Applied { payment, gave }) = (app.db.read(), applied);
        let (mut subscription, mut event_amount) = (None, None);
        if payment.approved_at.is_some() {
            if payment.interval_months.is_some() {
                subscription = match gave {
                    Some(held) => Some(held.at(now)?),
                    None => subscriptions::of_user(db, &payment.user_id, now).await?,
                };
            } else {
                event_amount = Some((payment.amount, app.event_total.read(&app.db).await?));
            }
        }
        Ok(Self { payment, subscription, event_amount })
    }
}

//! How an order stands, for its buyer.

use chrono::{DateTime, Utc};
use entity::payment::{self, PaymentStatus};
use entity::{OrderId, PlanId};
use sea_orm::DbErr;

use crate::app::App;
use crate::payments::{self, Receipt};
use crate::subscriptions::schedule::Slot;
use crate::subscriptions::{self, Offer, PeriodError};
use crate::temp_orders::{self, Quoted};
use crate::toss::{Failure, VirtualAccount};

/// How an order stands.
#[derive(Debug)]
pub(super) enum Standing {
    /// It can be paid.
    Open(Box<Open>),
    /// Toss is being asked.
    Confirming(Box<payment::Model>),
    /// An account was issued and waits for the money.
    Deposit(Box<payment::Model>, Option<VirtualAccount>),
    /// It was paid, and perhaps given back.
    Paid(Box<Receipt>),
    /// It was not paid and no longer can be.
    Over(Option<Failure>),
}

/// An order that can be paid.
#[derive(Debug)]
pub(super) struct Open {
    /// The quote.
    pub(super) quoted: Quoted,
    /// Where the time that it buys would lie, if it were paid now.
    pub(super) slot: Option<Slot>,
    /// Why the last try failed.
    pub(super) failure: Option<Failure>,
}

impl Standing {
    /// How `order_id` stands at `now`.
    ///
    /// # Errors
    /// The database's own.
    pub(super) async fn of(app: &App, order_id: &OrderId, now: DateTime<Utc>) -> Result<Self, DbErr> {
        let db = app.db.read();
        let Some(payment) = payments::find(db, order_id, None).await? else {
            return open_or_over(app, order_id, None, now).await;
        };
        Ok(match payment.status {
            PaymentStatus::Ready | PaymentStatus::InProgress => Self::Confirming(Box::new(payment)),
            PaymentStatus::WaitingForDeposit => {
                let account = payment.virtual_account.clone();
                let account = account.and_then(|account| serde_json::from_value(account).ok());
                Self::Deposit(Box::new(payment), account)
            }
            PaymentStatus::Done | PaymentStatus::Canceled | PaymentStatus::PartialCanceled => {
                Self::Paid(Box::new(Receipt::of(app, payment, now).await?))
            }
            PaymentStatus::Aborted | PaymentStatus::Expired => {
                let failure = Failure {
                    code: payment.failure_code.unwrap_or_default(),
                    message: payment.failure_message.unwrap_or_default(),
                };
                return open_or_over(app, order_id, Some(failure), now).await;
            }
        })
    }

    /// The state's name, for scripts.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Open(_) => "OPEN",
            Self::Confirming(_) => "CONFIRMING",
            Self::Deposit(..) => "DEPOSIT",
            Self::Paid(_) => "PAID",
            Self::Over(_) => "OVER",
        }
    }

    /// Whether it is paid and nothing of it was given back.
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Paid(receipt) if receipt.payment.status == PaymentStatus::Done)
    }
}

async fn open_or_over(
    app: &App,
    order_id: &OrderId,
    failure: Option<Failure>,
    now: DateTime<Utc>,
) -> Result<Standing, DbErr> {
    let found = temp_orders::find(app.db.read(), order_id, None).await?;
    let Some(quoted) = found.filter(|quoted| now < quoted.order.expires_at) else {
        return Ok(Standing::Over(failure));
    };
    let slot = slot(app, &quoted, now).await?;
    Ok(Standing::Open(Box::new(Open { quoted, slot, failure })))
}

/// Where the order's time would lie; nowhere for a plan that sells none.
async fn slot(app: &App, quoted: &Quoted, now: DateTime<Utc>) -> Result<Option<Slot>, DbErr> {
    let order = &quoted.order;
    let Some(months) = order.interval_months.and_then(|months| u32::try_from(months).ok()) else {
        return Ok(None);
    };
    let plan_id: PlanId = order.plan_id;
    let offer = Offer { order_id: order.order_id.clone(), plan_id, amount: order.total_amount, months };
    let zone = app.config.billing.timezone;
    match subscriptions::preview_purchase(app.db.read(), zone, &order.user_id, &offer, now).await {
        Ok(slot) => Ok(slot),
        Err(PeriodError::Database(error)) => Err(error),
        // What cannot be laid out is not promised; the confirmation decides.
        Err(PeriodError::Beyond(_) | PeriodError::TooFar | PeriodError::SellsNoTime(_)) => Ok(None),
    }
}

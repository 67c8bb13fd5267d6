//! How an order stands, for its buyer.

use chrono::{DateTime, Utc};
use entity::OrderId;
use entity::payment::{self, PaymentStatus};
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
    Deposit(Box<Deposit>),
    /// Money came in, and perhaps went back.
    Paid(Box<Receipt>),
    /// Nothing was paid, and nothing can be paid any more.
    Over(Over),
}

/// An order that can be paid.
#[derive(Debug)]
pub(super) struct Open {
    /// The quote.
    pub(super) quoted: Quoted,
    /// Where the time that it buys would lie, if it were paid now.
    pub(super) slot: Option<Slot>,
    /// Why the last try failed.
    pub(super) failure: Option<Refusal>,
}

/// An account that waits for the money.
#[derive(Debug)]
pub(super) struct Deposit {
    /// The payment.
    pub(super) payment: payment::Model,
    /// Where to pay; none if Toss has said it in a way that we cannot read.
    pub(super) account: Option<VirtualAccount>,
}

/// Why nothing can be paid any more.
#[derive(Debug)]
pub(super) enum Over {
    /// Nobody paid in time.
    Expired(Option<Refusal>),
    /// The term of the account has passed.
    AccountExpired,
    /// It was cancelled before any money came in.
    Cancelled,
}

/// Why a try failed.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The code, and Toss's words.
    pub(super) failure: Failure,
    /// Whether Toss itself said it. What a browser brings may be anybody's text, and is not shown to buyers.
    pub(super) by_toss: bool,
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
            PaymentStatus::WaitingForDeposit => deposit(payment, now),
            PaymentStatus::Done | PaymentStatus::Canceled | PaymentStatus::PartialCanceled => {
                if payment.approved_at.is_none() {
                    return Ok(Self::Over(Over::Cancelled));
                }
                Self::Paid(Box::new(Receipt::of(app, payment, now).await?))
            }
            PaymentStatus::Aborted | PaymentStatus::Expired => {
                let refusal = Refusal {
                    by_toss: payment.payment_key.is_some(),
                    failure: Failure {
                        code: payment.failure_code.unwrap_or_default(),
                        message: payment.failure_message.unwrap_or_default(),
                    },
                };
                return open_or_over(app, order_id, Some(refusal), now).await;
            }
        })
    }

    /// The state's name, for scripts.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Open(_) => "OPEN",
            Self::Confirming(_) => "CONFIRMING",
            Self::Deposit(_) => "DEPOSIT",
            Self::Paid(_) => "PAID",
            Self::Over(_) => "OVER",
        }
    }

    /// Whether it is paid and nothing of it was given back.
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Paid(receipt) if receipt.payment.status == PaymentStatus::Done)
    }
}

fn deposit(payment: payment::Model, now: DateTime<Utc>) -> Standing {
    let account = payment.virtual_account.clone();
    let account: Option<VirtualAccount> = account.and_then(|account| serde_json::from_value(account).ok());
    // Toss tells nobody when a term passes; a bank takes no money any more.
    let over = |account: &VirtualAccount| account.expired || account.due_date.is_some_and(|due| due <= now);
    if account.as_ref().is_some_and(over) {
        return Standing::Over(Over::AccountExpired);
    }
    Standing::Deposit(Box::new(Deposit { payment, account }))
}

async fn open_or_over(
    app: &App,
    order_id: &OrderId,
    failure: Option<Refusal>,
    now: DateTime<Utc>,
) -> Result<Standing, DbErr> {
    let found = temp_orders::find(app.db.read(), order_id, None).await?;
    let Some(quoted) = found.filter(|quoted| now < quoted.order.expires_at) else {
        return Ok(Standing::Over(Over::Expired(failure)));
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
    let (plan_id, amount) = (order.plan_id, order.total_amount);
    let offer = Offer { order_id: order.order_id.clone(), plan_id, amount, months };
    let zone = app.config.billing.timezone;
    match subscriptions::preview_purchase(app.db.read(), zone, &order.user_id, &offer, now).await {
        Ok(slot) => Ok(slot),
        Err(PeriodError::Database(error)) => Err(error),
        // What cannot be laid out is not promised; the confirmation decides.
        Err(PeriodError::Beyond(_) | PeriodError::TooFar | PeriodError::SellsNoTime(_)) => Ok(None),
    }
}

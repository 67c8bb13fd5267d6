//! Asks Toss about one order now, because a person wants to know. What is open goes the way that the settle job goes;
//! anything else is read again.

use entity::payment::{self, PaymentStatus};
use entity::payment_event::Cause;
use entity::refund::{self, RefundStatus};
use entity::{OrderId, RefundId};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};
use tracing::Instrument;

use super::record::tell;
use super::reread::{Reread, reread_quietly};
use super::settle::OpenPayments;
use crate::app::App;
use crate::audit::{self, Act, Action, Actor};
use crate::compensations::{self, OpenCompensations};
use crate::db::transact;
use crate::due::{self, Duty, Outcome};
use crate::findings::{self, Found, Kind};
use crate::refunds::OpenRefunds;

/// Seconds after which another try is worth it when Toss did not tell.
const RETRY_AFTER: u32 = 5;

/// Why it is not known how the payment stands.
#[derive(Debug, thiserror::Error)]
pub enum SettleNowError {
    /// We hold no such payment.
    #[error("no such payment")]
    PaymentNotFound,
    /// Toss is being asked about it already, or takes longer than a caller is kept waiting; that goes on.
    #[error("Toss is being asked already")]
    Running,
    /// Toss did not tell, wants no calls, or refuses our key.
    #[error("Toss did not tell; try again after {retry_after} s")]
    Untold {
        /// Seconds, at least one.
        retry_after: u32,
    },
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Asks Toss about the payment of `order_id` and whatever else of the order is open, because `actor` wants to know, and
/// returns the payment as it stands then.
///
/// # Errors
/// [`SettleNowError`].
pub async fn settle_now(
    app: &App,
    order_id: &OrderId,
    actor: &Actor,
) -> Result<payment::Model, SettleNowError> {
    let (worker, order, actor) = (app.clone(), order_id.clone(), actor.clone());
    // A task of its own: a caller that hangs up cancels nothing.
    let task = app.tasks.spawn(async move { ask_now(&worker, &order, &actor).await }.in_current_span());
    match tokio::time::timeout(app.config.server.answer_within(), task).await {
        Ok(Ok(asked)) => asked,
        Ok(Err(broken)) => Err(DbErr::Custom(format!("the question broke off: {broken}")).into()),
        Err(_late) => Err(SettleNowError::Running),
    }
}

async fn ask_now(app: &App, order_id: &OrderId, actor: &Actor) -> Result<payment::Model, SettleNowError> {
    let before = stored(app, order_id).await?;
    let (act, now) = (Act::new(Action::PaymentSettle, order_id), app.clock.now());
    audit::record(app, actor, &act, now).await?;
    if !app.toss.is_listening() {
        return Err(SettleNowError::Untold { retry_after: RETRY_AFTER });
    }
    let mut outcomes = Vec::new();
    for payment_key in compensations::reopen(app, order_id).await? {
        outcomes.push(work::<OpenCompensations>(app, payment_key).await?);
    }
    if before.status == PaymentStatus::InProgress {
        outcomes.push(work::<OpenPayments>(app, order_id.clone()).await?);
    }
    for refund in pending_refunds(app, order_id).await? {
        outcomes.push(work::<OpenRefunds>(app, refund).await?);
    }
    // What stays open may have heard nothing: this tells whether Toss answers at all, and about what never was open.
    if outcomes.is_empty() || outcomes.contains(&Outcome::Open) {
        read_again(app, order_id).await?;
    }
    stored(app, order_id).await
}

/// Takes a row on, as the job would.
async fn work<D: Duty>(app: &App, id: D::Id) -> Result<Outcome, SettleNowError> {
    match due::run_now::<D>(app, &id).await? {
        None => Err(SettleNowError::Running),
        Some(Outcome::Misconfigured) => Err(SettleNowError::Untold { retry_after: RETRY_AFTER }),
        Some(outcome) => Ok(outcome),
    }
}

async fn read_again(app: &App, order_id: &OrderId) -> Result<(), SettleNowError> {
    match reread_quietly(app, order_id, None, Cause::Settle).await? {
        Reread::Applied { .. } | Reread::Nothing { .. } => Ok(()),
        // Neither side holds money: a person has seen to it, and nothing is left to apply.
        Reread::Refused { ours, truth, .. }
            if truth.balance_amount == 0
                && ours.balance_amount.is_zero()
                && ours.status != PaymentStatus::InProgress =>
        {
            let now = app.clock.now();
            let over = transact!(app.db, |tx| {
                findings::resolve(tx, Kind::Unapplicable, order_id.as_str(), now).await
            });
            Ok(over.map(drop)?)
        }
        Reread::Refused { truth, error, .. } => {
            tell(app, order_id, &truth, &error).await;
            Ok(())
        }
        Reread::Unknown => Err(SettleNowError::PaymentNotFound),
        Reread::Untold { cause } => {
            tracing::debug!(%order_id, cause, "Toss did not tell");
            Err(SettleNowError::Untold { retry_after: RETRY_AFTER })
        }
        Reread::Misconfigured(failure) => {
            findings::note(app, Found::misconfigured(&failure)).await;
            Err(SettleNowError::Untold { retry_after: RETRY_AFTER })
        }
    }
}

async fn stored(app: &App, order_id: &OrderId) -> Result<payment::Model, SettleNowError> {
    let found = payment::Entity::find_by_id(order_id.clone()).one(app.db.read()).await?;
    found.ok_or(SettleNowError::PaymentNotFound)
}

async fn pending_refunds(app: &App, order_id: &OrderId) -> Result<Vec<RefundId>, DbErr> {
    let pending = refund::Entity::find()
        .select_only()
        .column(refund::Column::Id)
        .filter(refund::Column::OrderId.eq(order_id.clone()))
        .filter(refund::Column::Status.eq(RefundStatus::Pending));
    pending.into_tuple().all(app.db.read()).await
}

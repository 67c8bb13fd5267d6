//! Records what the fail URL brought. It can never undo a payment that Toss holds as approved or may yet approve.

use chrono::{DateTime, Utc};
use entity::payment::PaymentStatus;
use entity::payment_event::Cause;
use entity::{OrderId, UserId, Won, payment, temp_order};
use sea_orm::sea_query::OnConflict;
use sea_orm::{DbErr, EntityTrait, IntoActiveModel};

use super::moves::{self, Reason};
use crate::app::App;
use crate::db::{Tx, transact};
use crate::idempotency::{self, Claim, ClaimError};
use crate::toss::Failure;

/// Moves after which further failures of an order are no longer written down.
const MOST_MOVES: u64 = 20;

/// A return by the fail URL.
#[derive(Clone, Debug)]
pub struct Fail {
    /// The user that may report it; none when any may.
    pub owner: Option<UserId>,
    /// The order.
    pub order_id: OrderId,
    /// Toss's code and words.
    pub failure: Failure,
    /// The claim under which it is reported, where the caller sent an `Idempotency-Key`.
    pub claim: Option<Claim>,
}

/// Why it is not recorded.
#[derive(Debug, thiserror::Error)]
pub enum FailError {
    /// No such order, or not this user's.
    #[error("no such order")]
    OrderNotFound,
    /// The caller's key allows no report any more.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Writes the failure to the order's payment where nothing else is known, and returns the payment as it stands.
///
/// # Errors
/// [`FailError`].
pub async fn fail(app: &App, command: &Fail, now: DateTime<Utc>) -> Result<payment::Model, FailError> {
    transact!(app.db, |tx| {
        let payment = record(tx, command, now).await?;
        idempotency::made(tx, command.claim.as_ref(), &command.order_id).await?;
        Ok(payment)
    })
}

async fn record(tx: &Tx, command: &Fail, now: DateTime<Utc>) -> Result<payment::Model, FailError> {
    let existing = match moves::lock(tx, &command.order_id).await? {
        Some(payment) => Some(payment),
        None => first(tx, command, now).await?,
    };
    let Some(mut payment) = existing else {
        // A confirmation of the same order came first.
        return moves::lock(tx, &command.order_id).await?.ok_or(FailError::OrderNotFound);
    };
    if command.owner.as_ref().is_some_and(|owner| owner != &payment.user_id) {
        // As much is read as for an order that nobody has: a stranger learns nothing from how long it takes either.
        temp_order::Entity::find_by_id(command.order_id.clone()).one(tx).await?;
        return Err(FailError::OrderNotFound);
    }
    // What Toss said of an attempt is worth more than what a browser says.
    let failed = payment.status == PaymentStatus::Aborted && payment.payment_key.is_none();
    let news = payment.failure_code.as_ref() != Some(&command.failure.code);
    if failed && news && moves::count(tx, &command.order_id).await? < MOST_MOVES {
        payment.failure_code = Some(command.failure.code.clone());
        payment.failure_message = Some(command.failure.message.clone());
        moves::record(tx, &mut payment, (PaymentStatus::Aborted, Won::ZERO), reason(command, now)).await?;
        moves::save(tx, &payment).await?;
    }
    Ok(payment)
}

/// The order's first trace of a payment; none when another was written at the same instant.
async fn first(tx: &Tx, command: &Fail, now: DateTime<Utc>) -> Result<Option<payment::Model>, FailError> {
    let found = temp_order::Entity::find_by_id(command.order_id.clone()).one(tx).await?;
    let owned = found.filter(|order| command.owner.as_ref().is_none_or(|owner| owner == &order.user_id));
    let order = owned.ok_or(FailError::OrderNotFound)?;
    let payment = payment::Model {
        failure_code: Some(command.failure.code.clone()),
        failure_message: Some(command.failure.message.clone()),
        ..moves::unpaid(order, PaymentStatus::Aborted, now)
    };
    let inserted = payment::Entity::insert(payment.clone().into_active_model())
        .on_conflict(OnConflict::column(payment::Column::OrderId).do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    if inserted == 0 {
        return Ok(None);
    }
    moves::record_first(tx, &payment, reason(command, now)).await?;
    Ok(Some(payment))
}

fn reason(command: &Fail, now: DateTime<Utc>) -> Reason<'_> {
    Reason { cause: Cause::Fail, failure: Some(&command.failure), now }
}

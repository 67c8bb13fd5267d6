//! Applies what Toss shows in a transaction of its own, and sees to what cannot be applied: it is undone at Toss where
//! nobody can be served, and shown to a person where nobody can tell.

use entity::payment_event::Cause;
use entity::{OrderId, payment};
use sea_orm::DbErr;

use super::apply::{Applied, ApplyError, Heard, apply};
use crate::app::App;
use crate::compensations;
use crate::crash::{self, Point};
use crate::db::{Tx, transact};
use crate::findings::{self, Found, Kind};
use crate::toss;

/// What became of what Toss shows.
#[derive(Debug)]
pub(crate) enum Recorded {
    /// The payment stands like this by now.
    Stands(Box<Applied>),
    /// It cannot be applied, and nothing was kept; never for the database's own reasons. An approval that cannot be
    /// honoured is being undone by now; of the rest, [`tell`] tells people.
    Refused(ApplyError),
}

/// Records what Toss shows about `order_id`.
///
/// # Errors
/// The database's own; nothing is recorded then.
pub(crate) async fn record(
    app: &App,
    order_id: &OrderId,
    truth: &toss::Payment,
    heard: Heard,
) -> Result<Recorded, DbErr> {
    let zone = app.config.billing.timezone;
    let applied = transact!(app.db, |tx| {
        let applied = apply(tx, zone, order_id, truth, heard).await?;
        is_over(tx, &applied.payment, truth, heard).await?;
        crash::point(Point::TruthWritten);
        Ok::<_, ApplyError>(applied)
    });
    crash::point(Point::TruthRecorded);
    match applied {
        Ok(applied) => Ok(Recorded::Stands(Box::new(applied))),
        Err(ApplyError::Database(error)) => Err(error),
        Err(error @ (ApplyError::Period(_) | ApplyError::SecondApproval)) => {
            compensations::begin(app, order_id, truth, &error.to_string()).await?;
            Ok(Recorded::Refused(error))
        }
        Err(error @ (ApplyError::Unknown(_) | ApplyError::Differs(_))) => Ok(Recorded::Refused(error)),
    }
}

/// Shows people what Toss says of `order_id` where it cannot be applied because of `error`.
pub(crate) async fn tell(app: &App, order_id: &OrderId, truth: &toss::Payment, error: &ApplyError) {
    match error {
        // What is being undone has its own row.
        ApplyError::Period(_) | ApplyError::SecondApproval | ApplyError::Database(_) => {}
        ApplyError::Unknown(_) | ApplyError::Differs(_) => {
            let key = truth.payment_key.parse().ok();
            let theirs =
                format!("{:?}, {} of {} won", truth.status, truth.balance_amount, truth.total_amount);
            let found = Found::unapplicable(order_id, key.as_ref(), error.to_string());
            findings::note(app, Found { theirs: Some(theirs), ..found }).await;
        }
    }
}

/// What could not be applied before has been by now. A first answer has nothing to take back, and costs no statement.
async fn is_over(
    tx: &Tx,
    payment: &payment::Model,
    truth: &toss::Payment,
    heard: Heard,
) -> Result<(), DbErr> {
    // About an attempt that no longer counts, nothing has been applied.
    if payment.payment_key.as_ref().is_none_or(|key| key.as_str() != truth.payment_key) {
        return Ok(());
    }
    match heard.cause {
        Cause::Confirm | Cause::Fail | Cause::Cancel => Ok(()),
        Cause::Settle | Cause::Webhook | Cause::Reconcile | Cause::Compensate => {
            findings::resolve(tx, Kind::Unapplicable, payment.order_id.as_str(), heard.now).await?;
            findings::resolve(tx, Kind::Misconfigured, findings::TOSS, heard.now).await.map(drop)
        }
    }
}

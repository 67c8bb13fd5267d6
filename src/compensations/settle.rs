//! Asks Toss to cancel what cannot be honoured, until it has.

use chrono::{DateTime, Duration, Utc};
use entity::payment_event::Cause;
use entity::refund::RefundStatus;
use entity::{IdempotencyKey, PaymentKey, Won, compensation, payment};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, DbErr, EntityTrait, IntoActiveModel, QuerySelect};

use crate::app::App;
use crate::db::transact;
use crate::due::{self, Duty, Outcome};
use crate::findings::{self, Found};
use crate::payments::apply::{ApplyError, Heard, apply, was_approved};
use crate::payments::next_delay;
use crate::telemetry::shorten;
use crate::toss::{self, Answer, Class, Failure, Status};

/// Noes that hold only for now: a bank's hours, the shop's own limit.
const PASSING: [&str; 2] = ["NOT_AVAILABLE_BANK", "EXCEED_CANCEL_LIMIT"];
/// How long a payment that Toss does not show may still be approved.
const APPROVAL_WINDOW: Duration = Duration::minutes(15);
/// What the buyer and Toss's console see as the reason.
const REASON: &str = "처리할 수 없는 결제의 자동 취소";

/// Asks Toss about every approval that is to be undone, where that is due. Returns how many were decided.
///
/// # Errors
/// The database's own; what was decided stays decided.
pub async fn settle_due(app: &App) -> Result<u64, DbErr> {
    due::run::<OpenCompensations>(app).await
}

/// Approvals that are being undone.
#[derive(Debug)]
pub(crate) enum OpenCompensations {}

impl Duty for OpenCompensations {
    type Table = compensation::Entity;
    type Id = PaymentKey;

    fn id() -> compensation::Column {
        compensation::Column::PaymentKey
    }

    fn due() -> compensation::Column {
        compensation::Column::NextSettleAt
    }

    fn loggable(payment_key: &PaymentKey) -> String {
        shorten(payment_key.as_str())
    }

    async fn work(app: &App, payment_key: PaymentKey) -> Result<Outcome, DbErr> {
        let found = compensation::Entity::find_by_id(payment_key).one(app.db.read()).await?;
        let Some(row) = found.filter(|row| row.status == RefundStatus::Pending) else {
            return Ok(Outcome::Decided);
        };
        if is_honoured(app, &row).await? {
            return forget(app, &row).await;
        }
        // A look-up comes before every try: the money may be back already, by an earlier one or by staff.
        let asked_at = app.clock.now();
        match app.toss.look_up(&row.payment_key).await {
            Answer::Payment(truth) => match truth.status {
                Status::Done | Status::PartialCanceled | Status::Canceled if truth.approved_at.is_some() => {
                    if truth.balance_amount == 0 {
                        finish(app, &row, &truth, asked_at).await
                    } else {
                        cancel(app, &row, &truth).await
                    }
                }
                // No money came, and none will.
                Status::Aborted | Status::Expired | Status::Canceled => forget(app, &row).await,
                // An account that nobody has paid into yet must not be paid into any more.
                Status::WaitingForDeposit => cancel(app, &row, &truth).await,
                Status::Done
                | Status::PartialCanceled
                | Status::Ready
                | Status::InProgress
                | Status::Unlisted => postpone(app, &row, false).await,
            },
            Answer::Error { class: Class::NotFound, .. } if row.created_at + APPROVAL_WINDOW < asked_at => {
                forget(app, &row).await
            }
            answer => not_yet(app, &row, answer).await,
        }
    }
}

/// Whether the books have come to count the approval after all: what was in its way is gone.
async fn is_honoured(app: &App, row: &compensation::Model) -> Result<bool, DbErr> {
    let found = payment::Entity::find_by_id(row.order_id.clone()).one(app.db.read()).await?;
    Ok(found.is_some_and(|payment| {
        payment.payment_key.as_ref() == Some(&row.payment_key)
            && was_approved(payment.status)
            && !payment.balance_amount.is_zero()
    }))
}

/// Nothing is to be undone.
async fn forget(app: &App, row: &compensation::Model) -> Result<Outcome, DbErr> {
    transact!(app.db, |tx| {
        compensation::Entity::delete_by_id(row.payment_key.clone()).exec(tx).await.map(drop)
    })?;
    Ok(Outcome::Decided)
}

async fn cancel(app: &App, row: &compensation::Model, truth: &toss::Payment) -> Result<Outcome, DbErr> {
    // Before its deposit an account is cancelled for its whole amount.
    let waiting = truth.status == Status::WaitingForDeposit;
    let left = if waiting { truth.total_amount } else { truth.balance_amount };
    let Some(balance) = Won::new(left) else {
        return postpone(app, row, false).await;
    };
    let cancel = toss::Cancel {
        payment_key: row.payment_key.clone(),
        reason: REASON.to_owned(),
        amount: None,
        refundable_amount: balance,
        receive_account: None,
    };
    let asked_at = app.clock.now();
    match app.toss.cancel(&cancel, &row.idempotency_key).await {
        Answer::Payment(_) if waiting => forget(app, row).await,
        Answer::Payment(truth) if truth.balance_amount == 0 => finish(app, row, &truth, asked_at).await,
        Answer::Error { class: Class::Declined, failure, .. } if PASSING.contains(&failure.code.as_str()) => {
            postpone(app, row, true).await
        }
        Answer::Error { class: Class::Declined, failure, .. } => give_up(app, row, &failure).await,
        answer => not_yet(app, row, answer).await,
    }
}

/// Whatever does not say that the money is back.
async fn not_yet(app: &App, row: &compensation::Model, answer: Answer) -> Result<Outcome, DbErr> {
    match answer {
        Answer::Error { class: Class::Misconfigured, failure, kept } => {
            findings::note(app, Found::misconfigured(&failure)).await;
            postpone(app, row, kept.needs_new_key(row.settle_tries)).await?;
            Ok(Outcome::Misconfigured)
        }
        Answer::Error { kept, .. } => postpone(app, row, kept.needs_new_key(row.settle_tries)).await,
        Answer::Payment(_) | Answer::NotSent { .. } | Answer::Silent { .. } => {
            postpone(app, row, false).await
        }
    }
}

/// The money is back. Where it was the order's own payment, the books follow in the same transaction.
async fn finish(
    app: &App,
    row: &compensation::Model,
    truth: &toss::Payment,
    asked_at: DateTime<Utc>,
) -> Result<Outcome, DbErr> {
    let (zone, now) = (app.config.billing.timezone, app.clock.now());
    let heard = Heard { cause: Cause::Compensate, asked_at, now };
    let finished = transact!(app.db, |tx| {
        let found = payment::Entity::find_by_id(row.order_id.clone()).lock_exclusive().one(tx).await?;
        if found.is_some_and(|payment| payment.payment_key.as_ref() == Some(&row.payment_key)) {
            apply(tx, zone, &row.order_id, truth, heard).await?;
        }
        let mut done = row.clone().into_active_model();
        done.status = Set(RefundStatus::Done);
        (done.next_settle_at, done.finished_at) = (Set(None), Set(Some(now)));
        done.update(tx).await?;
        Ok::<_, ApplyError>(())
    });
    match finished {
        Ok(()) => {
            tracing::warn!(order_id = %row.order_id, "an approval that could not be honoured has been cancelled");
            Ok(Outcome::Decided)
        }
        Err(ApplyError::Database(error)) => Err(error),
        Err(error) => {
            let key = Some(&row.payment_key);
            findings::note(app, Found::unapplicable(&row.order_id, key, error.to_string())).await;
            postpone(app, row, false).await
        }
    }
}

/// Toss gives nothing back by itself: a person must.
async fn give_up(app: &App, row: &compensation::Model, failure: &Failure) -> Result<Outcome, DbErr> {
    tracing::error!(order_id = %row.order_id, code = failure.code, "needs a person: an approval cannot be undone");
    let now = app.clock.now();
    transact!(app.db, |tx| {
        let mut failed = row.clone().into_active_model();
        failed.status = Set(RefundStatus::Failed);
        failed.failure_code = Set(Some(failure.code.clone()));
        failed.failure_message = Set(Some(failure.message.clone()));
        (failed.next_settle_at, failed.finished_at) = (Set(None), Set(Some(now)));
        failed.update(tx).await.map(drop)
    })?;
    Ok(Outcome::Decided)
}

/// Puts the next question off along the ladder. `new_key` when the one that was sent has served.
async fn postpone(app: &App, row: &compensation::Model, new_key: bool) -> Result<Outcome, DbErr> {
    let now = app.clock.now();
    transact!(app.db, |tx| {
        let mut open = row.clone().into_active_model();
        open.next_settle_at = Set(Some(now + next_delay(row.settle_tries)));
        open.settle_tries = Set(row.settle_tries.saturating_add(1));
        if new_key {
            open.idempotency_key = Set(IdempotencyKey::random());
        }
        open.update(tx).await.map(drop)
    })?;
    Ok(Outcome::Open)
}

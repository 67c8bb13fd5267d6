//! Asks Toss to give money back, and finds out what became of refunds whose answer was lost.

use chrono::{DateTime, Duration, Utc};
use entity::payment_event::Cause;
use entity::refund::RefundStatus;
use entity::{IdempotencyKey, RefundId, Won, payment, refund};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, DbErr, EntityTrait, IntoActiveModel};
use serde::Deserialize;

use crate::app::App;
use crate::db::{Tx, transact};
use crate::due::{self, Duty, Outcome};
use crate::findings::{self, Found};
use crate::payments::apply::Heard;
use crate::payments::record::{Recorded, record, tell};
use crate::payments::{moves, next_delay};
use crate::toss::{self, Answer, Class, Failure};

/// Codes that say that a cancel is still under way.
const STILL_RUNNING: [&str; 3] =
    ["IDEMPOTENT_REQUEST_PROCESSING", "ALREADY_REFUNDING_PAYMENT", "DUPLICATED_REQUEST"];
/// Tries after which a refund that Toss neither does nor excludes is a person's matter.
const TRIES_BEFORE_ALARM: i32 = 8;
/// How long Toss keeps an idempotency key, with a day to spare; after that the same key would be a new request.
const KEY_LIVES: Duration = Duration::days(14);

/// Asks Toss about every refund that is due, where that is due. Returns how many were decided.
///
/// # Errors
/// The database's own; what was decided stays decided.
pub async fn settle_due(app: &App) -> Result<u64, DbErr> {
    due::run::<OpenRefunds>(app).await
}

/// Refunds whose outcome is unknown.
#[derive(Debug)]
pub(crate) enum OpenRefunds {}

impl Duty for OpenRefunds {
    type Table = refund::Entity;
    type Id = RefundId;

    fn id() -> refund::Column {
        refund::Column::Id
    }

    fn due() -> refund::Column {
        refund::Column::NextSettleAt
    }

    async fn work(app: &App, id: RefundId) -> Result<Outcome, DbErr> {
        settle_one(app, id).await
    }
}

/// A look-up always comes before a new try: the money may be back already.
async fn settle_one(app: &App, id: RefundId) -> Result<Outcome, DbErr> {
    let Some(refund) = pending(app, id).await? else { return Ok(Outcome::Decided) };
    match look_up(app, &refund, Cause::Settle).await? {
        Seen::Done => Ok(Outcome::Decided),
        Seen::NotDone { .. } if app.clock.now() - refund.created_at > KEY_LIVES => {
            tracing::error!(refund = %refund.id, "needs a person: a refund is older than its idempotency key lives");
            // The look-up has just shown that nothing was done, and Toss compares the balance.
            let refund = with_new_key(app, refund).await?;
            send(app, &refund, Cause::Settle).await
        }
        Seen::NotDone { .. } => send(app, &refund, Cause::Settle).await,
        Seen::Nothing(outcome) => Ok(outcome),
    }
}

async fn with_new_key(app: &App, mut refund: refund::Model) -> Result<refund::Model, DbErr> {
    refund.idempotency_key = Some(IdempotencyKey::random());
    transact!(app.db, |tx| {
        let Some(mut row) = locked(tx, &refund).await? else { return Ok::<_, DbErr>(()) };
        row.idempotency_key = Set(refund.idempotency_key.clone());
        row.update(tx).await.map(drop)
    })?;
    Ok(refund)
}

async fn pending(app: &App, id: RefundId) -> Result<Option<refund::Model>, DbErr> {
    let found = refund::Entity::find_by_id(id).one(app.db.read()).await?;
    Ok(found.filter(|refund| refund.status == RefundStatus::Pending))
}

/// Asks Toss for the refund that has just been reserved.
///
/// # Errors
/// The database's own; the refund is then found by the settle job.
pub(super) async fn ask(app: &App, refund: &refund::Model) -> Result<Outcome, DbErr> {
    send(app, refund, Cause::Cancel).await
}

async fn send(app: &App, refund: &refund::Model, cause: Cause) -> Result<Outcome, DbErr> {
    let found = payment::Entity::find_by_id(refund.order_id.clone()).one(app.db.read()).await?;
    let payment_key = found.and_then(|payment| payment.payment_key);
    let (Some(payment_key), Some(key)) = (payment_key, &refund.idempotency_key) else {
        tracing::error!(refund = %refund.id, "needs a person: a pending refund without a key");
        return postpone(app, refund, false, app.clock.now()).await;
    };
    let cancel = toss::Cancel {
        payment_key,
        reason: refund.reason.clone(),
        // All at once is what makes Toss say CANCELED rather than PARTIAL_CANCELED.
        amount: (refund.amount < refund.expected_balance).then_some(refund.amount),
        refundable_amount: refund.expected_balance,
        receive_account: refund
            .receive_account
            .as_deref()
            .and_then(|value| toss::ReceiveAccount::deserialize(value).ok()),
    };
    let asked_at = app.clock.now();
    match app.toss.cancel(&cancel, key).await {
        Answer::Payment(truth) => match apply_truth(app, refund, &truth, (cause, asked_at)).await? {
            Seen::Done => Ok(Outcome::Decided),
            Seen::NotDone { .. } => postpone(app, refund, false, app.clock.now()).await,
            Seen::Nothing(outcome) => Ok(outcome),
        },
        Answer::Error { class: class @ (Class::LookUp | Class::Declined), failure, kept } => {
            let new_key = kept.needs_new_key(refund.settle_tries);
            refused(app, refund, (class, failure, new_key), cause).await
        }
        Answer::Error { class: Class::Misconfigured, failure, kept } => {
            misconfigured(app, refund, failure, kept.needs_new_key(refund.settle_tries)).await
        }
        Answer::Error { class: Class::Unknown | Class::NotFound, kept, .. } => {
            postpone(app, refund, kept.needs_new_key(refund.settle_tries), app.clock.now()).await
        }
        Answer::Silent { .. } | Answer::NotSent { .. } => postpone(app, refund, false, app.clock.now()).await,
    }
}

/// A no to this request may be a yes to an earlier one of ours, or to staff at Toss: the payment itself tells.
async fn refused(
    app: &App,
    refund: &refund::Model,
    (class, failure, new_key): (Class, Failure, bool),
    cause: Cause,
) -> Result<Outcome, DbErr> {
    match look_up(app, refund, cause).await? {
        Seen::Done => Ok(Outcome::Decided),
        // The code does not say that nothing will happen: a cancel of ours or of staff may still be running.
        Seen::NotDone { balance }
            if STILL_RUNNING.contains(&failure.code.as_str())
                || class == Class::LookUp && balance == refund.expected_balance =>
        {
            if refund.settle_tries > TRIES_BEFORE_ALARM {
                tracing::error!(refund = %refund.id, code = failure.code, "needs a person: Toss neither does nor excludes a refund");
            }
            postpone(app, refund, new_key, app.clock.now()).await
        }
        Seen::NotDone { .. } => give_up(app, refund, &failure).await,
        Seen::Nothing(outcome) => Ok(outcome),
    }
}

/// What the payment at Toss says about the refund.
enum Seen {
    /// The money is back, and the books say so.
    Done,
    /// It is not, and this is what can still be cancelled.
    NotDone {
        /// Won left at Toss.
        balance: Won,
    },
    /// Toss did not tell; the next question has been put off.
    Nothing(Outcome),
}

async fn look_up(app: &App, refund: &refund::Model, cause: Cause) -> Result<Seen, DbErr> {
    let found = payment::Entity::find_by_id(refund.order_id.clone()).one(app.db.read()).await?;
    let Some(payment_key) = found.and_then(|payment| payment.payment_key) else {
        return Ok(Seen::Nothing(postpone(app, refund, false, app.clock.now()).await?));
    };
    let asked_at = app.clock.now();
    match app.toss.look_up(&payment_key).await {
        Answer::Payment(truth) => apply_truth(app, refund, &truth, (cause, asked_at)).await,
        Answer::Error { class: Class::Misconfigured, failure, .. } => {
            Ok(Seen::Nothing(misconfigured(app, refund, failure, false).await?))
        }
        Answer::Error { .. } | Answer::Silent { .. } | Answer::NotSent { .. } => {
            Ok(Seen::Nothing(postpone(app, refund, false, app.clock.now()).await?))
        }
    }
}

async fn apply_truth(
    app: &App,
    refund: &refund::Model,
    truth: &toss::Payment,
    (cause, asked_at): (Cause, DateTime<Utc>),
) -> Result<Seen, DbErr> {
    let heard = Heard { cause, asked_at, now: app.clock.now() };
    match record(app, &refund.order_id, truth, heard).await? {
        Recorded::Stands(applied) => Ok(match pending(app, refund.id).await? {
            Some(_) => Seen::NotDone { balance: applied.payment.balance_amount },
            None => Seen::Done,
        }),
        Recorded::Refused(error) => {
            tell(app, &refund.order_id, truth, &error).await;
            Ok(Seen::Nothing(postpone(app, refund, false, heard.now).await?))
        }
    }
}

async fn misconfigured(
    app: &App,
    refund: &refund::Model,
    failure: Failure,
    new_key: bool,
) -> Result<Outcome, DbErr> {
    findings::note(app, Found::misconfigured(&failure)).await;
    postpone(app, refund, new_key, app.clock.now()).await?;
    Ok(Outcome::Misconfigured)
}

/// Toss gives nothing back for this request; its amount is free again.
async fn give_up(app: &App, refund: &refund::Model, failure: &Failure) -> Result<Outcome, DbErr> {
    transact!(app.db, |tx| {
        let Some(mut row) = locked(tx, refund).await? else { return Ok::<_, DbErr>(()) };
        row.status = Set(RefundStatus::Failed);
        row.receive_account = Set(None);
        row.failure_code = Set(Some(failure.code.clone()));
        row.failure_message = Set(Some(failure.message.clone()));
        row.next_settle_at = Set(None);
        row.update(tx).await.map(drop)
    })?;
    Ok(Outcome::Decided)
}

/// Puts the next question off along the ladder. `new_key` when the one that was sent has served.
async fn postpone(
    app: &App,
    refund: &refund::Model,
    new_key: bool,
    now: DateTime<Utc>,
) -> Result<Outcome, DbErr> {
    transact!(app.db, |tx| {
        let Some(mut row) = locked(tx, refund).await? else { return Ok::<_, DbErr>(()) };
        let tries = row.settle_tries.take().unwrap_or_default();
        row.next_settle_at = Set(Some(now + next_delay(tries)));
        row.settle_tries = Set(tries.saturating_add(1));
        if new_key {
            row.idempotency_key = Set(Some(IdempotencyKey::random()));
        }
        row.update(tx).await.map(drop)
    })?;
    Ok(Outcome::Open)
}

/// The refund, if it is still open, under the lock of its payment.
async fn locked(tx: &Tx, refund: &refund::Model) -> Result<Option<refund::ActiveModel>, DbErr> {
    moves::lock(tx, &refund.order_id).await?;
    let found = refund::Entity::find_by_id(refund.id).one(tx).await?;
    Ok(found.filter(|refund| refund.status == RefundStatus::Pending).map(IntoActiveModel::into_active_model))
}

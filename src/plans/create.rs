//! Makes a plan.

use chrono::{DateTime, Utc};
use entity::plan::PlanType;
use entity::{Currency, PlanCode, PlanId, Won, plan};
use sea_orm::{ActiveModelTrait, DbErr, IntoActiveModel};

use super::change::audited;
use crate::app::App;
use crate::audit::{self, Act, Action, Actor};
use crate::db::{transact, unique_violation};
use crate::idempotency::{self, Claim, ClaimError};

/// A plan to be made.
#[derive(Clone, Debug)]
pub struct NewPlan {
    /// Its name in code.
    pub code: PlanCode,
    /// Its name for people, 1 to 100 characters.
    pub name: String,
    /// What it sells.
    pub sells: Sells,
    /// Price of one order, in won.
    pub price: Won,
    /// Whether orders are taken from the start.
    pub is_active: bool,
    /// The claim under which it is made, where the caller sent an `Idempotency-Key`.
    pub claim: Option<Claim>,
    /// Who makes it.
    pub actor: Actor,
}

/// What a plan sells. An event with months, or time without them, cannot be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sells {
    /// Calendar months of the basic kind.
    Basic(i32),
    /// Calendar months of the premium kind.
    Premium(i32),
    /// A contribution to the event total.
    Event,
}

/// Why no plan is made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Another plan has this code.
    #[error("the code is taken")]
    CodeTaken,
    /// The caller's key allows no plan any more.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Makes a plan.
///
/// # Errors
/// [`CreateError`].
pub async fn create(app: &App, new: NewPlan, now: DateTime<Utc>) -> Result<plan::Model, CreateError> {
    let (r#type, interval_months) = match new.sells {
        Sells::Basic(months) => (PlanType::Basic, Some(months)),
        Sells::Premium(months) => (PlanType::Premium, Some(months)),
        Sells::Event => (PlanType::Event, None),
    };
    let plan = plan::Model {
        id: PlanId::new(),
        code: new.code,
        name: new.name,
        r#type,
        price: new.price,
        currency: Currency::Krw,
        interval_months,
        is_active: new.is_active,
        created_at: now,
        updated_at: now,
    };
    let act = Act::new(Action::PlanCreate, plan.id).made(audited(&plan));
    transact!(app.db, |tx| {
        plan.clone().into_active_model().insert(tx).await.map_err(code_is_taken)?;
        idempotency::made(tx, new.claim.as_ref(), &plan.id).await?;
        audit::write(tx, &new.actor, &act, now).await?;
        Ok(plan.clone())
    })
}

fn code_is_taken(error: DbErr) -> CreateError {
    if unique_violation(&error) { CreateError::CodeTaken } else { error.into() }
}

//! Changes a plan from now on; what is sold and what is quoted stays as it was.

use chrono::{DateTime, Utc};
use entity::{PlanId, Won, plan};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveEnum, ActiveModelTrait, DbErr, EntityTrait, IntoActiveModel, QuerySelect};
use serde_json::{Value, json};

use crate::app::App;
use crate::audit::{self, Act, Action, Actor};
use crate::db::transact;

/// What is to change; none leaves as is.
#[derive(Clone, Debug, Default)]
pub struct ChangePlan {
    /// The name for people, 1 to 100 characters.
    pub name: Option<String>,
    /// The price of later orders, in won.
    pub price: Option<Won>,
    /// The calendar months of later orders, 1 to 120.
    pub interval_months: Option<i32>,
    /// Whether new orders are taken.
    pub is_active: Option<bool>,
    /// Only if nobody has changed the plan since; none whatever happened.
    pub unchanged_since: Option<DateTime<Utc>>,
}

/// Why a plan is not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No such plan.
    #[error("no such plan")]
    PlanNotFound,
    /// An event sells no time.
    #[error("an event has no interval")]
    EventHasNoInterval,
    /// Somebody has changed it since.
    #[error("the plan has changed since")]
    Outdated,
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Changes the plan `id`, as `actor` wants it.
///
/// # Errors
/// [`ChangeError`].
pub async fn change(
    app: &App,
    id: PlanId,
    change: &ChangePlan,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<plan::Model, ChangeError> {
    transact!(app.db, |tx| {
        let found = plan::Entity::find_by_id(id).lock_exclusive().one(tx).await?;
        let plan = found.ok_or(ChangeError::PlanNotFound)?;
        // The databases keep microseconds.
        let stands = plan.updated_at.timestamp_micros();
        if change.unchanged_since.is_some_and(|since| since.timestamp_micros() != stands) {
            return Err(ChangeError::Outdated);
        }
        if change.interval_months.is_some() && plan.interval_months.is_none() {
            return Err(ChangeError::EventHasNoInterval);
        }
        let before = audited(&plan);
        let mut row = plan.into_active_model();
        if let Some(name) = &change.name {
            row.name = Set(name.clone());
        }
        if let Some(price) = change.price {
            row.price = Set(price);
        }
        if change.interval_months.is_some() {
            row.interval_months = Set(change.interval_months);
        }
        if let Some(is_active) = change.is_active {
            row.is_active = Set(is_active);
        }
        row.updated_at = Set(now);
        let plan = row.update(tx).await?;
        let act = Act::new(Action::PlanChange, id).changed(&before, &audited(&plan));
        audit::write(tx, actor, &act, now).await?;
        Ok(plan)
    })
}

/// What the audit log tells of a plan.
pub(super) fn audited(plan: &plan::Model) -> Value {
    json!({
        "code": plan.code.as_str(),
        "name": plan.name,
        "type": plan.r#type.to_value(),
        "price": plan.price.get(),
        "intervalMonths": plan.interval_months,
        "isActive": plan.is_active,
    })
}

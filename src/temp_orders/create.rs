//! Quotes an order at the plan's price of this moment.

use chrono::{DateTime, Utc};
use entity::{CustomerKey, OrderId, PlanId, UserId, customer, plan, temp_order};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel};

use super::find::Quoted;
use crate::app::App;
use crate::checkout::{self, ReturnUrls};
use crate::db::transact;
use crate::idempotency::{self, Claim, ClaimError};

/// Why nothing is quoted.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// No such plan.
    #[error("no such plan")]
    PlanNotFound,
    /// The plan is not for sale.
    #[error("the plan is not for sale")]
    PlanInactive,
    /// The caller's key allows no quote any more.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The database's own.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Quotes the plan `plan_id` to `user_id`, who goes back to `returns`, under the caller's `claim` if there is one.
///
/// # Errors
/// [`CreateError`].
pub async fn create(
    app: &App,
    user_id: &UserId,
    plan_id: PlanId,
    returns: &ReturnUrls,
    claim: Option<&Claim>,
    now: DateTime<Utc>,
) -> Result<Quoted, CreateError> {
    let ttl = app.config.billing.temp_order_ttl();
    transact!(app.db, |tx| {
        let plan = plan::Entity::find_by_id(plan_id).one(tx).await?.ok_or(CreateError::PlanNotFound)?;
        if !plan.is_active {
            return Err(CreateError::PlanInactive);
        }
        let customer_key = customer_key(tx, user_id, now).await?;
        let order = temp_order::Model {
            order_id: OrderId::generate(now.timestamp_millis()),
            user_id: user_id.clone(),
            plan_id: plan.id,
            order_name: plan.name,
            total_amount: plan.price,
            currency: plan.currency,
            interval_months: plan.interval_months,
            created_at: now,
            expires_at: now + ttl,
        };
        temp_order::Entity::insert(order.clone().into_active_model()).exec_without_returning(tx).await?;
        checkout::keep(tx, app, &order, returns).await?;
        idempotency::made(tx, claim, &order.order_id).await?;
        Ok(Quoted { order, customer_key })
    })
}

/// The user's random name at Toss, made at the first order.
async fn customer_key(
    tx: &DatabaseTransaction,
    user_id: &UserId,
    now: DateTime<Utc>,
) -> Result<CustomerKey, DbErr> {
    if let Some(customer) = customer::Entity::find_by_id(user_id.clone()).one(tx).await? {
        return Ok(customer.customer_key);
    }
    let customer_key = CustomerKey::random();
    let customer = customer::ActiveModel {
        user_id: Set(user_id.clone()),
        customer_key: Set(customer_key.clone()),
        created_at: Set(now),
    };
    let inserted = customer::Entity::insert(customer)
        .on_conflict(OnConflict::column(customer::Column::UserId).do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    if inserted == 1 {
        return Ok(customer_key);
    }
    // Whoever came first has named the user.
    let found = customer::Entity::find_by_id(user_id.clone()).one(tx).await?;
    found.map(|customer| customer.customer_key).ok_or_else(|| DbErr::RecordNotFound("customer".to_owned()))
}

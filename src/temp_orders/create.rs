//! Quotes an order at the plan's price of this moment.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entity::{CustomerKey, OrderId, PlanId, UserId, customer, plan, temp_order};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IntoActiveModel, Statement, Value};

use super::find::Quoted;
use crate::app::App;
use crate::checkout::{self, ReturnUrls};
use crate::db::{Place, Tx, Writes, columns, transact};
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
        let (plan, known) = plan_and_name(tx, plan_id, user_id).await?.ok_or(CreateError::PlanNotFound)?;
        if !plan.is_active {
            return Err(CreateError::PlanInactive);
        }
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
        let mut writes = Writes::default();
        let new = known.is_none().then(|| Customer::new(&mut writes, user_id, now));
        writes.add(temp_order::Entity::insert(order.clone().into_active_model()));
        checkout::keep(&mut writes, app, &order, returns);
        let written = writes.run(tx).await?;
        idempotency::made(tx, claim, &order.order_id).await?;
        let customer_key = match (known, new) {
            (Some(customer_key), _) => customer_key,
            (None, Some(customer)) if written.rows(customer.place) == 1 => customer.customer_key,
            // Whoever came first has named the user.
            (None, _) => {
                let found = customer::Entity::find_by_id(user_id.clone()).one(tx).await?;
                found.ok_or_else(|| DbErr::RecordNotFound("customer".to_owned()))?.customer_key
            }
        };
        Ok(Quoted { order, customer_key })
    })
}

/// A user's random name at Toss, made at the first order.
struct Customer {
    customer_key: CustomerKey,
    /// Where it is written, unless somebody else comes first.
    place: Place,
}

impl Customer {
    fn new(writes: &mut Writes, user_id: &UserId, now: DateTime<Utc>) -> Self {
        let customer_key = CustomerKey::random();
        let customer = customer::ActiveModel {
            user_id: Set(user_id.clone()),
            customer_key: Set(customer_key.clone()),
            created_at: Set(now),
        };
        let unless_known = OnConflict::column(customer::Column::UserId).do_nothing().to_owned();
        let place = writes.add(customer::Entity::insert(customer).on_conflict(unless_known));
        Self { customer_key, place }
    }
}

/// The plan, and the user's name at Toss if it has one.
async fn plan_and_name(
    tx: &Tx,
    plan_id: PlanId,
    user_id: &UserId,
) -> Result<Option<(plan::Model, Option<CustomerKey>)>, DbErr> {
    let values: [Value; 2] = [plan_id.into(), user_id.clone().into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), PLAN_AND_NAME.as_str(), values);
    let Some(row) = tx.query_one_raw(statement).await? else { return Ok(None) };
    Ok(Some((plan::Model::from_query_result(&row, "l_")?, row.try_get("", "customer_key")?)))
}

static PLAN_AND_NAME: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, c.customer_key AS customer_key FROM plan l LEFT JOIN customer c ON c.user_id = $2 WHERE l.id = $1",
        columns::<plan::Entity>("l"),
    )
});

//! An order quoted before the payment window opens (가주문), so that no amount is ever taken from a client.

use sea_orm::entity::prelude::*;

use crate::{Currency, OrderId, PlanId, Timestamp, UserId, Won};

/// A quoted order that waits for its payment.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "temp_order")]
pub struct Model {
    /// Identifies the purchase, here and at Toss.
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: OrderId,
    /// Who buys.
    pub user_id: UserId,
    /// What is bought.
    pub plan_id: PlanId,
    /// What the payment window shows, 1 to 100 characters.
    pub order_name: String,
    /// The quoted price, in won.
    pub total_amount: Won,
    /// Currency of the price.
    pub currency: Currency,
    /// Calendar months as quoted; none for an event.
    pub interval_months: Option<i32>,
    /// When it was quoted.
    pub created_at: Timestamp,
    /// From this instant on it can no longer be paid.
    pub expires_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

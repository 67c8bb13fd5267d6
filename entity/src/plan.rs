//! What can be bought.

use sea_orm::entity::prelude::*;

use crate::{Currency, PlanCode, PlanId, Timestamp, Won};

/// A plan as sold. A change of price touches neither what is sold nor what is quoted.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plan")]
pub struct Model {
    /// Identifies the plan.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PlanId,
    /// Its name in code; unique.
    pub code: PlanCode,
    /// Its name for people, 1 to 100 characters (Toss's rule for order names).
    pub name: String,
    /// What kind of plan it is.
    pub r#type: PlanType,
    /// Price of one order, in won.
    pub price: Won,
    /// Currency of the price.
    pub currency: Currency,
    /// Calendar months that one order buys; none for an event.
    pub interval_months: Option<i32>,
    /// Whether new orders are taken.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

/// What kind of plan it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum PlanType {
    /// Sells time.
    #[sea_orm(string_value = "BASIC")]
    Basic,
    /// Sells time.
    #[sea_orm(string_value = "PREMIUM")]
    Premium,
    /// Sells no time: each order adds to the event total.
    #[sea_orm(string_value = "EVENT")]
    Event,
}

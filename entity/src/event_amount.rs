//! The entries whose sum is the event total; entries are only ever added.

use sea_orm::entity::prelude::*;

use crate::{EventAmountId, OrderId, PaymentEventId, Timestamp, WonChange};

/// Plus for a purchase, minus for a refund.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_amount")]
pub struct Model {
    /// Orders the entries.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EventAmountId,
    /// The order that it is about.
    pub order_id: OrderId,
    /// The move of the payment that caused it; unique, so that no move counts twice.
    pub payment_event_id: PaymentEventId,
    /// How the total changes, in won.
    pub amount: WonChange,
    /// When it was entered.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

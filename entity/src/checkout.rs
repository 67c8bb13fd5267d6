//! Where the buyer of an order is sent back to by the hosted checkout; only for orders that say so.

use sea_orm::entity::prelude::*;

use crate::{OrderId, Timestamp};

/// A row of `checkout`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "checkout")]
pub struct Model {
    /// The order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: OrderId,
    /// Where to go once it is paid.
    pub success_url: Option<String>,
    /// Where to go when it is not.
    pub fail_url: Option<String>,
    /// From this instant on the order's page is closed, and the row can go.
    pub expires_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

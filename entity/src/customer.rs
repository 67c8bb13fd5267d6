//! A user of the SaaS, as Toss may know them. Its row is also the lock that orders one user's changes.

use sea_orm::entity::prelude::*;

use crate::{CustomerKey, Timestamp, UserId};

/// One user.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer")]
pub struct Model {
    /// The SaaS's own id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// The random name given to Toss; unique.
    pub customer_key: CustomerKey,
    /// When the user first ordered.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

//! What a machine cannot decide and a person must see.

use sea_orm::entity::prelude::*;

use crate::{FindingId, Timestamp};

/// One thing that is not as it should be, for as long as it is not.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "finding")]
pub struct Model {
    /// Identifies it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FindingId,
    /// What kind of thing.
    pub kind: String,
    /// What it is about: with `kind` it is unique.
    pub subject: String,
    /// Who found it.
    pub source: FindingSource,
    /// The order, where it is about one.
    pub order_id: Option<String>,
    /// The payment at Toss, where it is about one.
    pub payment_key: Option<String>,
    /// What is wrong, for operators.
    pub detail: String,
    /// What our books say.
    pub ours: Option<String>,
    /// What Toss's books say.
    pub theirs: Option<String>,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// When it was found to be over.
    pub resolved_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}

/// Who finds things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum FindingSource {
    /// Whoever applies what Toss says.
    #[sea_orm(string_value = "SETTLE")]
    Settle,
    /// The comparison of Toss's books with ours.
    #[sea_orm(string_value = "RECONCILE")]
    Reconcile,
    /// The check of our own books.
    #[sea_orm(string_value = "CHECK")]
    Check,
}

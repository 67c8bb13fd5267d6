//! Reads plans.

use std::collections::HashMap;

use entity::{PlanId, plan};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use crate::http::page::{Page, PageRequest, page_of};

/// The plan `id`.
///
/// # Errors
/// The database's own.
pub async fn find(db: &impl ConnectionTrait, id: PlanId) -> Result<Option<plan::Model>, DbErr> {
    plan::Entity::find_by_id(id).one(db).await
}

/// The plans of one page of something else.
///
/// # Errors
/// The database's own.
pub async fn find_many(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = PlanId>,
) -> Result<HashMap<PlanId, plan::Model>, DbErr> {
    let found = plan::Entity::find().filter(plan::Column::Id.is_in(ids)).all(db).await?;
    Ok(found.into_iter().map(|plan| (plan.id, plan)).collect())
}

/// All plans, newest first; only those that are, or are not, for sale if `is_active` says so.
///
/// # Errors
/// The database's own.
pub async fn list(
    db: &impl ConnectionTrait,
    is_active: Option<bool>,
    page: &PageRequest,
) -> Result<Page<plan::Model>, DbErr> {
    let mut query = plan::Entity::find();
    if let Some(is_active) = is_active {
        query = query.filter(plan::Column::IsActive.eq(is_active));
    }
    page_of(db, query, (plan::Column::CreatedAt, plan::Column::Id), page, |plan| {
        (plan.created_at, plan.id.to_string())
    })
    .await
}

//! Where a buyer goes when the hosted checkout is done: kept by order, and only inside of origins that the operator allows.

use chrono::{DateTime, Utc};
use entity::{OrderId, checkout, temp_order};
use sea_orm::{DbErr, EntityTrait, IntoActiveModel};
use url::Url;

use super::link::page_closes_at;
use crate::app::App;
use crate::db::{Writes, delete_in_batches};

/// Where a buyer goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReturnUrls {
    /// Once the order is paid.
    pub success: Option<Url>,
    /// When the buyer gives up.
    pub fail: Option<Url>,
}

impl ReturnUrls {
    /// `success` with the order's id.
    pub(super) fn after_success(&self, order_id: &OrderId) -> Option<String> {
        self.success.clone().map(|url| with(url, &[("orderId", order_id.as_str())]))
    }

    /// `fail` with what Toss says at a fail URL.
    pub(super) fn after_failure(&self, order_id: &OrderId, code: &str, message: &str) -> Option<String> {
        let pairs = [("orderId", order_id.as_str()), ("code", code), ("message", message)];
        self.fail.clone().map(|url| with(url, &pairs))
    }
}

fn with(mut url: Url, pairs: &[(&str, &str)]) -> String {
    url.query_pairs_mut().extend_pairs(pairs);
    url.into()
}

/// Adds to `writes`, which quote `order`, where its buyer goes.
pub(crate) fn keep(writes: &mut Writes, app: &App, order: &temp_order::Model, urls: &ReturnUrls) {
    if urls == &ReturnUrls::default() {
        return;
    }
    let row = checkout::Model {
        order_id: order.order_id.clone(),
        success_url: urls.success.as_ref().map(ToString::to_string),
        fail_url: urls.fail.as_ref().map(ToString::to_string),
        expires_at: page_closes_at(app, order),
    };
    writes.add(checkout::Entity::insert(row.into_active_model()));
}

/// Where the buyer of `order_id` goes; nowhere that the settings no longer allow.
///
/// # Errors
/// The database's own.
pub async fn return_urls(app: &App, order_id: &OrderId) -> Result<ReturnUrls, DbErr> {
    let found = checkout::Entity::find_by_id(order_id.clone()).one(app.db.read()).await?;
    let allowed = |text: Option<String>| {
        let url = Url::parse(&text?).ok()?;
        app.config.checkout.return_origins.allow(&url).then_some(url)
    };
    Ok(found.map_or_else(ReturnUrls::default, |row| ReturnUrls {
        success: allowed(row.success_url),
        fail: allowed(row.fail_url),
    }))
}

/// Removes what belongs to pages that are closed. Returns how many.
///
/// # Errors
/// The database's own; batches that were done stay done.
pub async fn purge(app: &App, now: DateTime<Utc>) -> Result<u64, DbErr> {
    delete_in_batches(app, PURGE, &[now.into()]).await
}

const PURGE: &str = "
    DELETE FROM checkout WHERE order_id IN (SELECT c.order_id FROM checkout c
        WHERE c.expires_at <= $1 ORDER BY c.expires_at LIMIT $2)";

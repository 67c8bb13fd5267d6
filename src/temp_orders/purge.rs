//! Removes orders that can no longer be paid.

use chrono::{DateTime, Utc};
use sea_orm::DbErr;

use crate::app::App;
use crate::checkout;
use crate::db::delete_in_batches;

/// Removes expired orders, except those whose payment is still being found out. Returns how many.
///
/// # Errors
/// The database's own; batches that were done stay done.
pub async fn purge(app: &App, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let orders = delete_in_batches(app, PURGE, &[now.into()]).await?;
    // What their pages kept goes when the pages close, which is later; it is not an order and not counted as one.
    checkout::purge(app, now).await?;
    Ok(orders)
}

const PURGE: &str = "
    DELETE FROM temp_order WHERE order_id IN (SELECT t.order_id FROM temp_order t
        WHERE t.expires_at <= $1 AND NOT EXISTS (SELECT 1 FROM payment p
            WHERE p.order_id = t.order_id AND p.status = 'IN_PROGRESS')
        ORDER BY t.expires_at LIMIT $2)";

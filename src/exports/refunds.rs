//! Refunds as CSV.

use entity::refund;

use super::rows::{Cell, Csv, stream};
use crate::app::App;
use crate::refunds::{RefundFilter, list};

const HEADER: &[&str] = &[
    "id",
    "order_id",
    "amount",
    "reason",
    "status",
    "failure_code",
    "failure_message",
    "transaction_key",
    "created_at",
    "refunded_at",
];

/// Refunds that `filter` wants, newest first.
pub fn refunds(app: &App, filter: RefundFilter) -> Csv {
    let app = app.clone();
    stream("refunds", HEADER, move |page| {
        let (app, filter) = (app.clone(), filter.clone());
        async move { Ok(list(app.db.read(), filter, &page).await?.map(row)) }
    })
}

fn row(refund: refund::Model) -> Vec<Cell> {
    vec![
        Cell::text(refund.id.to_string()),
        Cell::text(refund.order_id.as_str()),
        Cell::number(refund.amount.get()),
        Cell::text(refund.reason),
        Cell::word(&refund.status),
        Cell::maybe(refund.failure_code),
        Cell::maybe(refund.failure_message),
        Cell::maybe(refund.transaction_key),
        Cell::instant(refund.created_at),
        Cell::maybe_instant(refund.refunded_at),
    ]
}

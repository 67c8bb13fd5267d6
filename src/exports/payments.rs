//! Payments as CSV.

use entity::payment;

use super::rows::{Cell, Csv, stream};
use crate::app::App;
use crate::payments::{PaymentFilter, list};

const HEADER: &[&str] = &[
    "order_id",
    "user_id",
    "plan_id",
    "order_name",
    "amount",
    "balance_amount",
    "currency",
    "status",
    "payment_method",
    "payment_key",
    "receipt_url",
    "failure_code",
    "failure_message",
    "requested_at",
    "approved_at",
    "created_at",
    "updated_at",
];

/// Payments that `filter` wants, newest first.
pub fn payments(app: &App, filter: PaymentFilter) -> Csv {
    let app = app.clone();
    stream("payments", HEADER, move |page| {
        let (app, filter) = (app.clone(), filter.clone());
        async move { Ok(list(app.db.read(), filter, &page).await?.map(row)) }
    })
}

fn row(payment: payment::Model) -> Vec<Cell> {
    vec![
        Cell::text(payment.order_id.as_str()),
        Cell::text(payment.user_id.as_str()),
        Cell::text(payment.plan_id.to_string()),
        Cell::text(payment.order_name),
        Cell::number(payment.amount.get()),
        Cell::number(payment.balance_amount.get()),
        Cell::word(&payment.currency),
        Cell::word(&payment.status),
        Cell::maybe(payment.payment_method),
        Cell::maybe(payment.payment_key.as_ref().map(entity::PaymentKey::as_str)),
        Cell::maybe(payment.receipt_url),
        Cell::maybe(payment.failure_code),
        Cell::maybe(payment.failure_message),
        Cell::maybe_instant(payment.requested_at),
        Cell::maybe_instant(payment.approved_at),
        Cell::instant(payment.created_at),
        Cell::instant(payment.updated_at),
    ]
}

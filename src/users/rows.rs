//! The rows of an export, in words for whoever they are about. Keys that only machines use are not among them.

use std::io;

use entity::{
    checkout, compensation, customer, event_amount, finding, idempotency_key, payment, payment_event, refund,
    subscription, subscription_period, temp_order, webhook,
};
use sea_orm::ActiveEnum;
use serde_json::{Value, json};

pub(super) fn customer(row: &customer::Model) -> Value {
    json!({"customerKey": row.customer_key.as_str(), "createdAt": row.created_at})
}

pub(super) fn subscription(row: &subscription::Model) -> Value {
    json!({
        "id": row.id.to_string(),
        "planId": row.plan_id.to_string(),
        "status": row.status.to_value(),
        "startDate": row.start_date,
        "endDate": row.end_date,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    })
}

pub(super) fn temp_order(row: &temp_order::Model) -> Value {
    json!({
        "orderId": row.order_id.as_str(),
        "planId": row.plan_id.to_string(),
        "orderName": row.order_name,
        "totalAmount": row.total_amount.get(),
        "currency": row.currency.to_value(),
        "intervalMonths": row.interval_months,
        "createdAt": row.created_at,
        "expiresAt": row.expires_at,
    })
}

pub(super) fn checkout(row: &checkout::Model) -> Value {
    json!({"successUrl": row.success_url, "failUrl": row.fail_url, "expiresAt": row.expires_at})
}

pub(super) fn payment(row: &payment::Model) -> Value {
    json!({
        "orderId": row.order_id.as_str(),
        "planId": row.plan_id.to_string(),
        "orderName": row.order_name,
        "amount": row.amount.get(),
        "balanceAmount": row.balance_amount.get(),
        "currency": row.currency.to_value(),
        "intervalMonths": row.interval_months,
        "status": row.status.to_value(),
        "paymentMethod": row.payment_method,
        "paymentKey": row.payment_key.as_ref().map(|key| key.as_str()),
        "receiptUrl": row.receipt_url,
        "failureCode": row.failure_code,
        "failureMessage": row.failure_message,
        "virtualAccount": row.virtual_account,
        "requestedAt": row.requested_at,
        "approvedAt": row.approved_at,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    })
}

pub(super) fn event(row: &payment_event::Model) -> Value {
    json!({
        "from": row.from_status.map(|status| status.to_value()),
        "to": row.to_status.to_value(),
        "cause": row.cause.to_value(),
        "balanceAmount": row.balance_amount.get(),
        "paymentKey": row.payment_key.as_ref().map(|key| key.as_str()),
        "code": row.code,
        "message": row.message,
        "paymentMethod": row.payment_method,
        "createdAt": row.created_at,
    })
}

pub(super) fn period(row: &subscription_period::Model) -> Value {
    json!({
        "planId": row.plan_id.to_string(),
        "amount": row.amount.get(),
        "intervalMonths": row.interval_months,
        "purchasedAt": row.purchased_at,
        "startsAt": row.starts_at,
        "endsAt": row.ends_at,
        "revokedAt": row.revoked_at,
        "renews": row.renews,
    })
}

pub(super) fn refund(row: &refund::Model) -> Value {
    json!({
        "id": row.id.to_string(),
        "amount": row.amount.get(),
        "reason": row.reason,
        "status": row.status.to_value(),
        "transactionKey": row.transaction_key,
        "failureCode": row.failure_code,
        "failureMessage": row.failure_message,
        "receiveAccount": row.receive_account.as_deref(),
        "createdAt": row.created_at,
        "refundedAt": row.refunded_at,
    })
}

pub(super) fn entry(row: &event_amount::Model) -> Value {
    json!({"amount": row.amount.get(), "createdAt": row.created_at})
}

pub(super) fn compensation(row: &compensation::Model) -> Value {
    json!({
        "paymentKey": row.payment_key.as_str(),
        "amount": row.amount.get(),
        "reason": row.reason,
        "status": row.status.to_value(),
        "failureCode": row.failure_code,
        "failureMessage": row.failure_message,
        "createdAt": row.created_at,
        "finishedAt": row.finished_at,
    })
}

pub(super) fn webhook(row: &webhook::Model) -> Value {
    json!({
        "eventType": row.event_type,
        "paymentKey": row.payment_key,
        "status": row.status.to_value(),
        "outcome": row.outcome,
        "receivedAt": row.received_at,
        "finishedAt": row.finished_at,
    })
}

pub(super) fn finding(row: &finding::Model) -> Value {
    json!({
        "kind": row.kind,
        "detail": row.detail,
        "ours": row.ours,
        "theirs": row.theirs,
        "firstSeenAt": row.first_seen_at,
        "lastSeenAt": row.last_seen_at,
        "resolvedAt": row.resolved_at,
    })
}

pub(super) fn request(row: &idempotency_key::Model) -> Value {
    json!({
        "idempotencyKey": row.key,
        "answerStatus": row.response_status,
        "createdAt": row.created_at,
        "expiresAt": row.expires_at,
    })
}

/// An array that is written item by item, so that it is never in memory as a whole.
pub(super) struct Items<'a, W> {
    out: &'a mut W,
    empty: bool,
}

impl<'a, W: io::Write> Items<'a, W> {
    /// Begins it as the member `name` of an object that has members already.
    pub(super) fn begin(out: &'a mut W, name: &str) -> io::Result<Self> {
        write!(out, ",\n\"{name}\": [")?;
        Ok(Self { out, empty: true })
    }

    pub(super) fn push(&mut self, item: &Value) -> io::Result<()> {
        self.out.write_all(if self.empty { b"\n" } else { b",\n" })?;
        self.empty = false;
        Ok(serde_json::to_writer(&mut *self.out, item)?)
    }

    pub(super) fn end(self) -> io::Result<()> {
        self.out.write_all(if self.empty { b"]" } else { b"\n]" })
    }
}

//! What webhooks say: the envelopes in which Toss tells of a change.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    books::Change,
    clock::{korean, korean_naive},
    payment::view,
};

/// `PAYMENT_STATUS_CHANGED`: the whole payment, as it was when it changed. `base` is where its links lead.
///
/// Every cancel sends one, also the second part of a payment whose status stays `PARTIAL_CANCELED`.
pub(crate) fn payment_status_changed(change: &Change, base: &str) -> Value {
    json!({
        "eventType": "PAYMENT_STATUS_CHANGED",
        "createdAt": without_offset(change.at),
        "data": view::payment(&change.payment, change.at, base, false),
    })
}

/// `DEPOSIT_CALLBACK`, flat and without a name; only for a virtual account of which money moved, or which
/// was canceled.
pub(crate) fn deposit_callback(change: &Change) -> Option<Value> {
    let payment = &change.payment;
    (change.moved && payment.means.virtual_account().is_some()).then(|| {
        json!({
            "createdAt": korean(change.at),
            "secret": payment.secret,
            "status": payment.status,
            "transactionKey": payment.last_transaction_key,
            "orderId": payment.order_id,
        })
    })
}

/// The order that a body is about, wherever its envelope keeps it.
pub(crate) fn order_of(body: &Value) -> Option<String> {
    let places = [&body["data"]["orderId"], &body["entityBody"]["orderId"], &body["orderId"]];
    places.into_iter().find_map(Value::as_str).map(str::to_owned)
}

/// Korean time to the microsecond, without an offset and, as was seen at Toss, without trailing zeros.
fn without_offset(at: DateTime<Utc>) -> String {
    let text = korean_naive(at).format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    #[test]
    fn times_without_an_offset_lose_their_trailing_zeros() {
        let second = DateTime::parse_from_rfc3339("2026-12-31T15:00:10Z").unwrap().to_utc();
        assert_eq!(without_offset(second), "2027-01-01T00:00:10");
        assert_eq!(without_offset(second + Duration::microseconds(120_450)), "2027-01-01T00:00:10.12045");
    }

    #[test]
    fn the_order_is_found_in_every_envelope() {
        for body in [
            json!({"eventType": "X", "data": {"orderId": "order-0001"}}),
            json!({"secret": "ps_x", "orderId": "order-0001"}),
            json!({"eventId": "e", "entityBody": {"orderId": "order-0001"}}),
        ] {
            assert_eq!(order_of(&body).as_deref(), Some("order-0001"), "{body}");
        }
        assert_eq!(order_of(&json!([1])), None);
    }
}

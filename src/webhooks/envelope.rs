//! Reads the three shapes in which Toss sends webhooks. Whatever they say is a hint.

use entity::{HiddenText, OrderId, PaymentKey};
use serde_json::Value;

/// What a webhook claims to be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// Which kind of event, 1 to 100 characters.
    pub event_type: String,
    /// The order, where one is named as an order can be called.
    pub order_id: Option<OrderId>,
    /// The payment, where one is named as a payment can be called.
    pub payment_key: Option<PaymentKey>,
    /// The secret of a deposit call-back.
    pub secret: Option<HiddenText>,
}

/// The event type of a deposit call-back, which names none itself.
pub(super) const DEPOSIT_CALLBACK: &str = "DEPOSIT_CALLBACK";

impl Envelope {
    /// Reads a webhook's body; none when it is no JSON object.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        body.is_object().then(|| Self::of(&body))
    }

    /// What of it counts, as a body of its own: the rest may hold a buyer's account, or anything that a stranger chose.
    pub(crate) fn kept(&self) -> String {
        let order_id = self.order_id.as_ref().map(OrderId::as_str);
        let payment_key = self.payment_key.as_ref().map(PaymentKey::as_str);
        let kept = match &self.secret {
            Some(secret) => serde_json::json!({"secret": &**secret, "orderId": order_id}),
            None => serde_json::json!({
                "eventType": self.event_type,
                "data": {"orderId": order_id, "paymentKey": payment_key},
            }),
        };
        kept.to_string()
    }

    fn of(body: &Value) -> Self {
        let named = body["eventType"].as_str().map(printable).filter(|name| !name.is_empty());
        // Payments and cancels come under `data`, newer kinds under `entityBody`, deposits without either.
        let inner =
            ["data", "entityBody"].into_iter().map(|name| &body[name]).find(|inner| inner.is_object());
        let flat = named.is_none() && inner.is_none() && body["secret"].is_string();
        let inner = inner.unwrap_or(body);
        let text = |name: &str| inner[name].as_str();
        Self {
            event_type: named.unwrap_or_else(|| if flat { DEPOSIT_CALLBACK } else { "UNKNOWN" }.to_owned()),
            order_id: text("orderId").and_then(|id| id.parse().ok()),
            payment_key: text("paymentKey").and_then(|key| key.parse().ok()),
            secret: text("secret").filter(|_| flat).map(printable).map(HiddenText::from),
        }
    }
}

/// A stranger's word, cut short and without control characters.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> (String, Option<String>, Option<String>, Option<String>) {
        let read = Envelope::read(body.to_string().as_bytes()).expect("an object");
        (
            read.event_type,
            read.order_id.map(|id| id.to_string()),
            read.payment_key.map(|key| key.to_string()),
            read.secret.map(|secret| secret.to_string()),
        )
    }

    #[test]
    fn the_three_shapes_are_told_apart() {
        let some = |text: &str| Some(text.to_owned());
        let payment = json!({"eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2026-11-21T10:00:00.12345",
            "data": {"orderId": "order-0001", "paymentKey": "key", "secret": "ps_1", "status": "DONE"}});
        assert_eq!(read(&payment), ("PAYMENT_STATUS_CHANGED".into(), some("order-0001"), some("key"), None));
        let deposit = json!({"createdAt": "2026-11-21T10:00:00+09:00", "secret": "ps_1", "status": "DONE",
            "transactionKey": "t", "orderId": "order-0001"});
        assert_eq!(read(&deposit), (DEPOSIT_CALLBACK.into(), some("order-0001"), None, some("ps_1")));
        let payout = json!({"eventType": "payout.changed", "eventId": "e", "version": "2022-11-16",
            "entityType": "payout", "entityBody": {"id": "p"}});
        assert_eq!(read(&payout), ("payout.changed".into(), None, None, None));
    }

    #[test]
    fn what_is_kept_reads_the_same_and_holds_nothing_else() {
        for body in [
            json!({"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": "order-0001", "paymentKey": "key",
                "virtualAccount": {"refundReceiveAccount": {"accountNumber": "110123456789"}}}}),
            json!({"createdAt": "x", "secret": "ps_1", "status": "DONE", "orderId": "order-0001"}),
            json!({"eventType": "payout.changed", "entityBody": {"id": "p"}}),
        ] {
            let envelope = Envelope::read(body.to_string().as_bytes()).expect("an object");
            let kept = envelope.kept();
            assert_eq!(Envelope::read(kept.as_bytes()), Some(envelope));
            assert!(!kept.contains("110123456789"));
        }
    }

    #[test]
    fn strange_bodies_name_nothing() {
        let odd = json!({"eventType": 7, "data": {"orderId": "a/../b", "paymentKey": "x".repeat(201)}});
        assert_eq!(read(&odd), ("UNKNOWN".into(), None, None, None));
        for body in ["", "[]", "null", "\"x\"", "{", "<html>"] {
            assert_eq!(Envelope::read(body.as_bytes()), None, "{body}");
        }
    }
}

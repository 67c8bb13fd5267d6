//! Unknown fields and values in answers: Toss adds both without notice, so a client must bear them.

use serde_json::{Value, json};

/// Adds to an answer what no client can know: fields at the top and inside, and new enum values.
pub(crate) fn over(answer: &mut Value) {
    match answer {
        Value::Array(rows) => rows.iter_mut().for_each(over),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match (name.as_str(), value) {
                    ("card", Value::Object(card)) => {
                        card.insert("acquireStatus".into(), json!("SANDBOX_UNKNOWN"));
                        card.insert("cardType".into(), json!("샌드박스미래"));
                        card.insert("sandboxUnknown".into(), json!([1, {"deep": null}]));
                    }
                    ("cancels", Value::Array(cancels)) => cancels.iter_mut().for_each(over),
                    (_, Value::Object(inner)) => {
                        inner.insert("sandboxUnknown".into(), json!("?"));
                    }
                    _ => {}
                }
            }
            fields.insert("sandboxUnknown".into(), json!({"enum": "NEW_VALUE", "list": [], "number": 1.5}));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_appear_at_every_level_and_money_stays() {
        let mut answer = json!({"totalAmount": 10, "status": "DONE", "card": {"cardType": "신용"}, "cancels": [{"cancelAmount": 1}]});
        over(&mut answer);
        assert_eq!((&answer["totalAmount"], &answer["status"]), (&json!(10), &json!("DONE")));
        assert_eq!(answer["card"]["acquireStatus"], "SANDBOX_UNKNOWN");
        assert_ne!(answer["card"]["cardType"], "신용");
        assert!(answer["sandboxUnknown"].is_object() && answer["cancels"][0]["sandboxUnknown"].is_object());
        let mut rows = json!([{"amount": 1}]);
        over(&mut rows);
        assert!(rows[0]["sandboxUnknown"].is_object());
    }
}

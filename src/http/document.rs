//! What the OpenAPI document says of what may be sent, beyond what the types of handlers say: handlers take texts and
//! numbers as they come, so that they can name every field at fault, and check them by the rules that stand here.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::fields::MOST_WON;
use crate::audit::Action;

/// Printable text, of any script.
const PRINTABLE: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$";
/// The characters of identifiers that a SaaS or Toss chooses. Dots alone would be a step in a path.
const USER_ID: &str = "^(?!\\.+$)[A-Za-z0-9_.=@-]{1,64}$";
const ORDER_ID: &str = "^[A-Za-z0-9_-]{6,64}$";
const PAYMENT_KEY: &str = "^(?!\\.+$)[A-Za-z0-9_=.-]{1,200}$";
const PLAN_CODE: &str = "^(?!\\.+$)[A-Za-z0-9_.-]{1,64}$";

/// The document with what parameters and bodies are like.
pub(super) fn complete(mut document: Value) -> Value {
    let mut sent = BTreeSet::new();
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            let rules = parameter["name"].as_str().and_then(of_parameter);
            add(&mut parameter["schema"], rules);
        }
        references(&operation["requestBody"], &mut sent);
    }
    let mut open: Vec<String> = sent.iter().cloned().collect();
    while let Some(name) = open.pop() {
        let schema = &mut document["components"]["schemas"][&name];
        if schema["type"] == "object" {
            of_body(&name, schema);
            let mut inside = BTreeSet::new();
            references(schema, &mut inside);
            open.extend(inside.into_iter().filter(|name| sent.insert(name.clone())));
        }
    }
    document
}

/// The names of the schemas that are referred to anywhere in `part`.
fn references(part: &Value, found: &mut BTreeSet<String>) {
    match part {
        Value::Object(members) => {
            let name = members.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
            found.extend(name.map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Bodies are read strictly: other fields are refused, and null is as good as leaving out what may be left out.
fn of_body(name: &str, schema: &mut Value) {
    schema["additionalProperties"] = false.into();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (field, property) in schema["properties"].as_object_mut().into_iter().flatten() {
        add(property, of_field(name, field));
        if !required.iter().any(|name| name == field) {
            property["nullable"] = true.into();
        }
    }
}

/// Says `rules` of a schema as well; a rule that it has already is said anew.
fn add(schema: &mut Value, rules: Option<Value>) {
    if let (Some(members), Some(Value::Object(rules))) = (schema.as_object_mut(), rules) {
        members.extend(rules);
    }
}

/// What the parameter called `name` is like, wherever it is.
fn of_parameter(name: &str) -> Option<Value> {
    Some(match name {
        "id" | "planId" => json!({"format": "uuid"}),
        "orderId" => json!({"pattern": ORDER_ID}),
        "userId" => json!({"pattern": USER_ID}),
        "from" | "to" => json!({"format": "date-time"}),
        "limit" => json!({"minimum": 1, "maximum": 100, "default": 20}),
        "cursor" => json!({"pattern": "^[A-Za-z0-9_-]{1,512}$"}),
        "action" => json!({"enum": Action::ALL.map(Action::name)}),
        "actor" => json!({"minLength": 1, "maxLength": 100, "pattern": PRINTABLE}),
        "Idempotency-Key" => json!({"pattern": "^[!-~]([ -~]{0,253}[!-~])?$"}),
        "subject" => json!({"minLength": 1, "maxLength": 200, "pattern": PRINTABLE}),
        _ => return None,
    })
}

/// What `field` of the body `body` is like.
fn of_field(body: &str, field: &str) -> Option<Value> {
    Some(match (body, field) {
        (_, "orderId" | "userId" | "planId") => return of_parameter(field),
        (_, "paymentKey") => json!({"pattern": PAYMENT_KEY}),
        (_, "amount") => json!({"minimum": 0, "maximum": MOST_WON}),
        (_, "cancelAmount") => json!({"minimum": 1, "maximum": MOST_WON}),
        (_, "price") => json!({"minimum": crate::plans::api::LEAST_PRICE, "maximum": MOST_WON}),
        (_, "intervalMonths") => json!({"minimum": 1, "maximum": crate::plans::api::LONGEST}),
        (_, "currency") => json!({"pattern": "^KRW$"}),
        (_, "paymentType") => json!({"maxLength": 50, "pattern": PRINTABLE}),
        ("CreatePlan", "code") => json!({"pattern": PLAN_CODE}),
        (_, "accountNumber") => json!({"pattern": "^[0-9]{1,20}$"}),
        (_, "successUrl" | "failUrl") => json!({"format": "uri"}),
        (_, "code" | "message" | "name" | "cancelReason" | "holderName") => json!({"pattern": PRINTABLE}),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        serde_json::from_str(&crate::http::openapi()).expect("JSON")
    }

    #[test]
    fn every_text_and_number_that_is_sent_has_its_bounds() {
        let document = document();
        let bounds = ["pattern", "format", "enum", "maxLength", "maximum"];
        let bounded = |schema: &Value| {
            let free = matches!(schema["type"].as_str(), Some("string" | "integer"));
            !free || bounds.iter().any(|bound| !schema[bound].is_null() && schema[bound] != "int64")
        };
        let (mut looked_at, mut sent) = (0, BTreeSet::new());
        for operation in
            document["paths"].as_object().expect("paths").values().flat_map(|it| it.as_object().expect(""))
        {
            for parameter in operation.1["parameters"].as_array().into_iter().flatten() {
                looked_at += 1;
                // An unknown name of a job is an answer of its own.
                assert!(bounded(&parameter["schema"]) || parameter["name"] == "name", "{parameter}");
            }
            references(&operation.1["requestBody"], &mut sent);
        }
        for name in sent {
            let schema = &document["components"]["schemas"][&name];
            assert_eq!(schema["additionalProperties"], false, "{name}");
            for (field, property) in schema["properties"].as_object().expect("properties") {
                looked_at += 1;
                assert!(bounded(property), "{name}.{field}: {property}");
            }
        }
        assert!(looked_at > 40, "{looked_at}");
    }

    #[test]
    fn what_may_be_left_out_may_be_null_and_nothing_else() {
        let document = document();
        let plan = &document["components"]["schemas"]["CreatePlan"]["properties"];
        assert_eq!(
            (&plan["intervalMonths"]["nullable"], &plan["code"]["nullable"]),
            (&true.into(), &Value::Null)
        );
        let account = &document["components"]["schemas"]["RefundReceiveAccount"];
        assert_eq!(account["additionalProperties"], false, "also what is inside of a body");
        assert!(
            document["components"]["schemas"]["Plan"]["additionalProperties"].is_null(),
            "answers may grow"
        );
    }
}

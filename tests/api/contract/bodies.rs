//! Bodies that make no sense: each gets a 400 that names the field, and leaves no trace.

use serde_json::{Value, json};

use super::rows::rows;
use crate::support::client::Client;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_bad_plan_is_refused_by_field,
    a_plan_type_that_is_no_text_is_refused_by_name,
    a_bad_change_of_a_plan_is_refused_by_field,
    a_bad_quote_is_refused_by_field,
    a_bad_confirmation_is_refused_by_field,
    a_bad_failure_is_refused_by_field,
    a_bad_refund_is_refused_by_field,
    a_reason_of_200_korean_characters_is_taken,
    several_faults_are_told_at_once,
    a_duplicate_field_is_refused_by_name,
    a_body_that_is_no_json_object_is_refused_everywhere,
];

/// Sends `base` with one field replaced at a time; a missing value removes it.
async fn each_refused(
    caller: &Client,
    (method, path): (&str, &str),
    base: &Value,
    faults: &[(&str, Option<Value>)],
) {
    for (field, value) in faults {
        let mut body = base.clone();
        let fields = body.as_object_mut().expect("an object");
        match value {
            Some(value) => drop(fields.insert((*field).to_owned(), value.clone())),
            None => drop(fields.remove(*field)),
        }
        let reply = caller.send_json(method, path, body.to_string()).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text);
        reply.expect_field(field);
    }
}

/// Values that are no identifier of any kind.
fn no_id(field: &'static str, longest: usize) -> Vec<(&'static str, Option<Value>)> {
    let texts = [
        "",
        "..",
        "abc def",
        "abc/def",
        "abc\\def",
        "abc\u{0}def",
        "abc\ndef",
        "사용자아이디",
        "abcdéf",
        "' OR 1=1 --",
    ];
    let texts = texts.map(Value::from).into_iter().chain([Value::from("x".repeat(longest + 1))]);
    let others = [json!(7), json!(true), json!([]), json!({}), json!(["abcdef"]), json!(1.5)];
    texts.chain(others).map(|value| (field, Some(value))).collect()
}

/// A field that must be there and hold something.
fn demanded(field: &'static str) -> Vec<(&'static str, Option<Value>)> {
    vec![(field, None), (field, Some(Value::Null))]
}

async fn a_bad_plan_is_refused_by_field(world: &World) {
    let before = rows(world).await;
    let base = json!({"code": "X", "name": "x", "type": "BASIC", "price": 9_900, "intervalMonths": 1});
    let mut faults =
        [no_id("code", 64), demanded("code"), demanded("name"), vec![("type", None)], demanded("price")]
            .concat();
    faults.extend(demanded("intervalMonths"));
    faults.extend(
        [json!(""), json!("x".repeat(101)), json!("a\nb"), json!("a\u{0}b"), json!(7), json!([])]
            .map(|value| ("name", Some(value))),
    );
    faults.extend([json!("GOLD"), json!("basic"), json!("")].map(|value| ("type", Some(value))));
    faults.extend([json!("USD"), json!("krw"), json!(""), json!(410)].map(|value| ("currency", Some(value))));
    faults.extend(
        [json!(0), json!(121), json!(-1), json!(1.0), json!("1"), json!(i64::MAX), json!(u64::MAX)]
            .map(|value| ("intervalMonths", Some(value))),
    );
    faults.extend([json!("true"), json!(1), json!("")].map(|value| ("isActive", Some(value))));
    faults.extend([json!(1), Value::Null].map(|value| ("interval_months", Some(value))));
    each_refused(&world.admin(), ("POST", "/v1/plans"), &base, &faults).await;
    let event = json!({"code": "E", "name": "e", "type": "EVENT", "price": 5_000});
    each_refused(&world.admin(), ("POST", "/v1/plans"), &event, &[("intervalMonths", Some(json!(1)))]).await;
    assert_eq!(rows(world).await, before);
}

async fn a_plan_type_that_is_no_text_is_refused_by_name(world: &World) {
    let base = json!({"code": "X", "name": "x", "type": "BASIC", "price": 9_900, "intervalMonths": 1});
    let values =
        [Value::Null, json!(1), json!(true), json!([]), json!({}), json!({"BASIC": 1}), json!(["BASIC"])];
    let faults = values.map(|value| ("type", Some(value)));
    each_refused(&world.admin(), ("POST", "/v1/plans"), &base, &faults).await;
}

async fn a_bad_change_of_a_plan_is_refused_by_field(world: &World) {
    let path = format!("/v1/plans/{}", world.basic().await);
    let standing = world.stranger().get(&path).await.expect(200).clone();
    let faults = [
        ("name", Some(json!(""))),
        ("name", Some(json!("x".repeat(101)))),
        ("name", Some(json!("a\tb"))),
        ("name", Some(json!(7))),
        ("intervalMonths", Some(json!(0))),
        ("intervalMonths", Some(json!(121))),
        ("isActive", Some(json!("no"))),
        // What a plan is called in code, and what kind it is, is for good.
        ("code", Some(json!("OTHER"))),
        ("type", Some(json!("PREMIUM"))),
        ("currency", Some(json!("KRW"))),
        ("id", Some(json!("0"))),
    ];
    each_refused(&world.admin(), ("PATCH", &path), &json!({"price": 12_000}), &faults).await;
    assert_eq!(world.stranger().get(&path).await.expect(200), &standing);
}

async fn a_bad_quote_is_refused_by_field(world: &World) {
    let base = json!({"planId": world.basic().await, "userId": "u1"});
    let before = rows(world).await;
    let mut faults =
        [no_id("planId", 36), demanded("planId"), no_id("userId", 64), demanded("userId")].concat();
    // No amount is ever taken from a client.
    faults.extend(
        ["amount", "totalAmount", "orderId", "customerKey", "userid"].map(|field| (field, Some(json!(1)))),
    );
    each_refused(&world.service(), ("POST", "/v1/temp-orders"), &base, &faults).await;
    assert_eq!(rows(world).await, before);
}

async fn a_bad_confirmation_is_refused_by_field(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let base = order.confirmation(&world.authenticate(&order));
    let before = rows(world).await;
    let mut faults = [no_id("paymentKey", 200), demanded("paymentKey")].concat();
    faults.extend([no_id("orderId", 64), demanded("orderId"), demanded("amount")].concat());
    faults.push(("orderId", Some(json!("short"))));
    faults
        .extend([json!("x".repeat(51)), json!("a\u{0}"), json!(7)].map(|value| ("paymentType", Some(value))));
    faults.extend(
        ["userId", "planId", "currency", "payment_key", "__proto__"].map(|field| (field, Some(json!("u1")))),
    );
    each_refused(&world.service(), ("POST", "/v1/payments/confirm"), &base, &faults).await;
    assert_eq!(rows(world).await, before);
    assert_eq!(world.confirms_received(&order), 0);
}

async fn a_bad_failure_is_refused_by_field(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let base = json!({"orderId": order.order_id, "code": "PAY_PROCESS_CANCELED", "message": "취소"});
    let before = rows(world).await;
    let mut faults =
        [no_id("orderId", 64), demanded("orderId"), demanded("code"), demanded("message")].concat();
    faults.extend(
        [json!(""), json!("x".repeat(101)), json!("a\u{0}b"), json!(7)].map(|value| ("code", Some(value))),
    );
    faults.extend([json!("x".repeat(511)), json!("a\u{0}b"), json!(7)].map(|value| ("message", Some(value))));
    faults.push(("amount", Some(json!(1))));
    each_refused(&world.service(), ("POST", "/v1/payments/fail"), &base, &faults).await;
    assert_eq!(rows(world).await, before);
}

async fn a_bad_refund_is_refused_by_field(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let path = format!("/v1/payments/{}/cancel", order.order_id);
    let before = rows(world).await;
    let mut faults = demanded("cancelReason");
    let texts = ["", "a\u{0}b", "a\nb", "a\u{7f}b", "a\u{85}b"].map(Value::from).into_iter();
    let texts = texts.chain([json!("가".repeat(201)), json!("x".repeat(201)), json!(7), json!(["변심"])]);
    faults.extend(texts.map(|value| ("cancelReason", Some(value))));
    faults.extend(["orderId", "amount", "refundReceiveAccount"].map(|field| (field, Some(json!(1)))));
    each_refused(&world.service(), ("POST", &path), &json!({"cancelReason": "변심"}), &faults).await;
    assert_eq!(rows(world).await, before);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn a_reason_of_200_korean_characters_is_taken(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let reason = "환".repeat(200);
    let path = format!("/v1/payments/{}/cancel", order.order_id);
    let reply = world.service().post(&path, json!({"cancelReason": reason, "cancelAmount": 100})).await;
    assert_eq!(reply.expect(200)["refund"]["reason"], reason);
}

async fn several_faults_are_told_at_once(world: &World) {
    let body = json!({"paymentKey": "a b", "orderId": "short", "amount": -1});
    let reply = world.service().post("/v1/payments/confirm", body).await;
    let problem = reply.expect_problem(400, "INVALID_REQUEST");
    let errors = problem["errors"].as_array().expect("errors");
    let fields: Vec<&Value> = errors.iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["paymentKey", "orderId", "amount"]);
    assert!(errors.iter().all(|error| error["detail"].as_str().is_some_and(|detail| !detail.is_empty())));
}

async fn a_duplicate_field_is_refused_by_name(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let (key, id) = (world.authenticate(&order), &order.order_id);
    let body = format!(r#"{{"paymentKey":"{key}","orderId":"{id}","amount":9900,"amount":1}}"#);
    world.service().send_json("POST", "/v1/payments/confirm", body).await.expect_field("amount");
    let body = format!(r#"{{"orderId":"{id}","paymentKey":"{key}","orderId":"{id}","amount":9900}}"#);
    world.service().send_json("POST", "/v1/payments/confirm", body).await.expect_field("orderId");
    assert_eq!(world.confirms_received(&order), 0);
}

async fn a_body_that_is_no_json_object_is_refused_everywhere(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let plan = world.event().await;
    let before = rows(world).await;
    let deep = format!("{{\"a\":{}", "[".repeat(20_000));
    let bodies: [&[u8]; 17] = [
        b"",
        b" \r\n\t ",
        b"null",
        b"[]",
        b"[{}]",
        b"\"text\"",
        b"7",
        b"{",
        b"{\"a\"",
        b"{} {}",
        b"{},",
        b"{}x",
        b"\xef\xbb\xbf{}",
        b"{'orderId':'a'}",
        b"{\"orderId\":\"\xff\xfe\"}",
        b"orderId=abcdef&amount=9900",
        deep.as_bytes(),
    ];
    let cancel = format!("/v1/payments/{}/cancel", order.order_id);
    let change = format!("/v1/plans/{plan}");
    let calls = [
        ("POST", "/v1/plans"),
        ("PATCH", change.as_str()),
        ("POST", "/v1/temp-orders"),
        ("POST", "/v1/payments/confirm"),
        ("POST", "/v1/payments/fail"),
        ("POST", cancel.as_str()),
    ];
    for (method, path) in calls {
        for body in bodies {
            let reply = world.admin().send_json(method, path, body.to_vec()).await;
            let shown = String::from_utf8_lossy(body.get(..20).unwrap_or(body)).into_owned();
            assert_eq!(reply.status, 400, "{method} {path} {shown:?}: {}", reply.text);
            let problem = reply.expect_problem(400, "INVALID_REQUEST");
            assert_eq!(problem["errors"].as_array().map(Vec::len), Some(1), "{method} {path} {shown:?}");
        }
    }
    assert_eq!(rows(world).await, before);
}

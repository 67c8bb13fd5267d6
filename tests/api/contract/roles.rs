//! Who may call what: one table of every operation by every kind of credential.

use serde_json::{Value, json};

use super::openapi::operations;
use crate::support::client::{Client, sign};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    every_operation_answers_every_credential_as_promised,
    no_operation_is_missing_from_the_table,
    public_paths_need_no_credentials,
    a_list_shows_a_user_only_what_is_theirs,
    another_users_order_cannot_be_bought_failed_or_refunded,
    a_refused_caller_leaves_no_trace,
];

/// Who calls, in the order of the table's columns.
const CALLERS: [&str; 7] = ["none", "garbage", "expired JWT", "another user", "the user", "service", "admin"];

/// Statuses by column.
type Statuses = [u16; 7];

const EVERYBODY: Statuses = [200; 7];
const ADMIN: Statuses = [401, 401, 401, 403, 403, 403, 200];
const OWN_ELSE_MISSING: Statuses = [401, 401, 401, 404, 200, 200, 200];
const OWN_ELSE_FORBIDDEN: Statuses = [401, 401, 401, 403, 200, 200, 200];

/// One operation: method, path as documented, query, body, and what each caller gets. `{…}` stands for what
/// [`Seed::fill`] knows; everything belongs to the user `u1`.
type Row = (&'static str, &'static str, &'static str, &'static str, Statuses);

const TABLE: [Row; 21] = [
    ("GET", "/v1/plans", "", "", EVERYBODY),
    ("GET", "/v1/plans/{id}", "", "", EVERYBODY),
    (
        "POST",
        "/v1/plans",
        "",
        r#"{"code":"NEW","name":"new","type":"BASIC","price":9900,"intervalMonths":1}"#,
        [401, 401, 401, 403, 403, 403, 201],
    ),
    ("PATCH", "/v1/plans/{id}", "", r#"{"name":"other"}"#, ADMIN),
    ("POST", "/v1/webhooks/toss", "", r#"{"eventType":"PAYMENT_STATUS_CHANGED"}"#, EVERYBODY),
    (
        "POST",
        "/v1/temp-orders",
        "",
        r#"{"planId":"{id}","userId":"u1"}"#,
        [401, 401, 401, 403, 201, 201, 201],
    ),
    ("GET", "/v1/temp-orders/{orderId}", "", "", OWN_ELSE_MISSING),
    (
        "POST",
        "/v1/payments/confirm",
        "",
        r#"{"paymentKey":"{paymentKey}","orderId":"{confirmed}","amount":9900}"#,
        OWN_ELSE_MISSING,
    ),
    (
        "POST",
        "/v1/payments/fail",
        "",
        r#"{"orderId":"{failed}","code":"PAY_PROCESS_CANCELED","message":"취소"}"#,
        OWN_ELSE_MISSING,
    ),
    ("GET", "/v1/payments", "?userId=u1", "", OWN_ELSE_FORBIDDEN),
    ("GET", "/v1/payments/{orderId}", "", "", OWN_ELSE_MISSING),
    (
        "POST",
        "/v1/payments/{orderId}/cancel",
        "",
        r#"{"cancelReason":"변심","cancelAmount":100}"#,
        OWN_ELSE_MISSING,
    ),
    ("GET", "/v1/refunds", "?userId=u1", "", OWN_ELSE_FORBIDDEN),
    ("GET", "/v1/subscriptions", "", "", ADMIN),
    ("GET", "/v1/users/{userId}/subscription", "", "", OWN_ELSE_MISSING),
    ("GET", "/v1/event-amounts", "", "", ADMIN),
    ("GET", "/v1/jobs", "", "", ADMIN),
    ("POST", "/v1/jobs/{name}/run", "", "", ADMIN),
    ("GET", "/v1/jobs/{name}/runs", "", "", ADMIN),
    ("GET", "/v1/admin/attention", "", "", ADMIN),
    ("POST", "/v1/admin/payments/{orderId}/settle", "", "", ADMIN),
];

/// What is there of the user `u1`.
struct Seed {
    plan: String,
    paid: String,
    quoted: String,
    confirmed: (String, String),
    failed: String,
}

impl Seed {
    async fn plant(world: &World) -> Self {
        let plan = world.basic().await;
        let paid = world.buy("u1", &plan).await.order_id;
        let quoted = world.order("u1", &plan).await.order_id;
        let confirmed = world.order("u1", &plan).await;
        let key = world.authenticate(&confirmed);
        let failed = world.order("u1", &plan).await.order_id;
        Self { plan, paid, quoted, confirmed: (confirmed.order_id, key), failed }
    }

    fn fill(&self, text: &str) -> String {
        let texts = [
            ("{id}", self.plan.as_str()),
            ("temp-orders/{orderId}", &format!("temp-orders/{}", self.quoted)),
            ("{orderId}", &self.paid),
            ("{paymentKey}", &self.confirmed.1),
            ("{confirmed}", &self.confirmed.0),
            ("{failed}", &self.failed),
            ("{userId}", "u1"),
            ("{name}", "purge-temp-orders"),
        ];
        texts.iter().fold(text.to_owned(), |text, (slot, value)| text.replace(slot, value))
    }
}

fn callers(world: &World) -> [Client; 7] {
    let expired = sign(&json!({"sub": "u1", "exp": world.app.clock.now().timestamp() - 3_600}));
    let stranger = world.stranger();
    [
        stranger.clone(),
        stranger.with_token(Some("garbage")),
        stranger.with_token(Some(&expired)),
        world.user("u2"),
        world.user("u1"),
        world.service(),
        world.admin(),
    ]
}

async fn every_operation_answers_every_credential_as_promised(world: &World) {
    let (seed, callers) = (Seed::plant(world).await, callers(world));
    let mut surprises = Vec::new();
    for (method, path, query, body, statuses) in TABLE {
        let path = format!("{}{query}", seed.fill(path));
        for ((caller, name), expected) in callers.iter().zip(CALLERS).zip(statuses) {
            let reply = caller.send_json(method, &path, seed.fill(body)).await;
            if reply.status != expected {
                surprises.push(format!(
                    "{method} {path} by {name}: {} not {expected}: {}",
                    reply.status, reply.text
                ));
            }
            match reply.status {
                401 => drop(reply.expect_problem(401, "UNAUTHENTICATED").clone()),
                403 => drop(reply.expect_problem(403, "FORBIDDEN").clone()),
                _ => {}
            }
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

async fn no_operation_is_missing_from_the_table(world: &World) {
    let documented: Vec<(String, String)> =
        operations(world).await.into_iter().map(|(path, method, _)| (method, path)).collect();
    for (method, path) in &documented {
        let known = TABLE.iter().any(|row| (row.0, row.1) == (method.as_str(), path.as_str()));
        assert!(known, "{method} {path} is documented, but nothing says here who may call it");
    }
    for (method, path, ..) in TABLE {
        let known = documented.contains(&(method.to_owned(), path.to_owned()));
        assert!(known, "{method} {path} is not documented");
    }
}

async fn public_paths_need_no_credentials(world: &World) {
    let plan = world.basic().await;
    let paths = ["/healthz", "/readyz", "/openapi.json", "/docs", "/v1/plans"].map(str::to_owned);
    for path in paths.into_iter().chain([format!("/v1/plans/{plan}")]) {
        for token in [None, Some("garbage")] {
            let reply = world.stranger().with_token(token).get(&path).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        }
    }
}

fn owners(reply: &Value) -> Vec<&str> {
    let items = reply["items"].as_array().expect("items");
    items.iter().map(|item| item["userId"].as_str().or(item["orderId"].as_str()).expect("an owner")).collect()
}

async fn a_list_shows_a_user_only_what_is_theirs(world: &World) {
    let plan = world.basic().await;
    let (own, other) = (world.buy("u1", &plan).await, world.buy("u2", &plan).await);
    for order in [&own, &other] {
        world.refund(order, Some(1_000)).await.expect(200);
    }
    let user = world.user("u1");
    assert_eq!(owners(user.get("/v1/payments").await.expect(200)), ["u1"]);
    assert_eq!(owners(user.get("/v1/refunds").await.expect(200)), [&own.order_id]);
    let foreign = format!("/v1/refunds?orderId={}", other.order_id);
    assert!(owners(user.get(&foreign).await.expect(200)).is_empty());
    // A service names the user, or for refunds the order; only operators see everybody's.
    for list in ["/v1/payments", "/v1/refunds"] {
        world.service().get(list).await.expect_problem(403, "FORBIDDEN");
        assert_eq!(owners(world.admin().get(list).await.expect(200)).len(), 2);
    }
    assert_eq!(owners(world.service().get("/v1/payments?userId=u2").await.expect(200)), ["u2"]);
    assert_eq!(owners(world.service().get(&foreign).await.expect(200)), [&other.order_id]);
}

async fn another_users_order_cannot_be_bought_failed_or_refunded(world: &World) {
    let plan = world.basic().await;
    let (paid, order) = (world.buy("u1", &plan).await, world.order("u1", &plan).await);
    let key = world.authenticate(&order);
    let other = world.user("u2");
    let reply = other.post("/v1/payments/confirm", order.confirmation(&key)).await;
    reply.expect_problem(404, "ORDER_NOT_FOUND");
    let body = json!({"orderId": order.order_id, "code": "X", "message": "x"});
    other.post("/v1/payments/fail", body).await.expect_problem(404, "ORDER_NOT_FOUND");
    // One that was paid says no more of itself than one that never was.
    let reply = other.post("/v1/payments/confirm", paid.confirmation(&key)).await;
    reply.expect_problem(404, "ORDER_NOT_FOUND");
    let body = json!({"orderId": paid.order_id, "code": "X", "message": "x"});
    other.post("/v1/payments/fail", body).await.expect_problem(404, "ORDER_NOT_FOUND");
    let path = format!("/v1/payments/{}/cancel", paid.order_id);
    other.post(&path, json!({"cancelReason": "x"})).await.expect_problem(404, "PAYMENT_NOT_FOUND");
    assert_eq!(world.payment(&paid).await["status"], "DONE");
    assert_eq!((world.confirms_received(&order), world.ledger_of(&paid)), (0, (1, 9_900)));
}

async fn a_refused_caller_leaves_no_trace(world: &World) {
    let seed = Seed::plant(world).await;
    let before = super::rows::rows(world).await;
    let toss = world.toss.received().len();
    for caller in callers(world).iter().take(4) {
        for (method, path, _, body, _) in TABLE.iter().filter(|row| row.0 != "GET" && row.4 != EVERYBODY) {
            let reply = caller.send_json(method, &seed.fill(path), seed.fill(body)).await;
            assert!([401, 403, 404].contains(&reply.status), "{method} {path}: {}", reply.text);
        }
    }
    assert_eq!(super::rows::rows(world).await, before);
    assert_eq!(world.toss.received().len(), toss);
}

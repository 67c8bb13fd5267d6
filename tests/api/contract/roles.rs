//! Who may call what: one table of every operation by every kind of credential.

use gudok::auth::access::{self, RULES, Right, Rule};
use serde_json::{Value, json};

use super::openapi::operations;
use crate::support::client::{Client, send, sign};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    every_operation_answers_every_credential_as_promised,
    no_operation_is_missing_from_the_table,
    public_paths_need_no_credentials,
    a_list_shows_a_user_only_what_is_theirs,
    another_users_order_cannot_be_bought_failed_or_refunded,
    a_refused_caller_leaves_no_trace,
    another_users_record_looks_exactly_like_none,
];

/// Who calls, in the order of the table's columns.
const CALLERS: [&str; 7] = ["none", "garbage", "expired JWT", "another user", "the user", "service", "admin"];

/// Statuses by column.
type Statuses = [u16; 7];

/// One operation by example: method, path as documented, query, body, what it answers to those who may, and what to a
/// user who has no such record. `{…}` stands for what [`Seed::fill`] knows; everything belongs to the user `u1`.
type Example = (&'static str, &'static str, &'static str, &'static str, u16, u16);

/// An example of every rule; who may do what is in the product's own table.
const EXAMPLES: [Example; 28] = [
    ("GET", "/v1/plans", "", "", 200, 0),
    ("GET", "/v1/plans/{id}", "", "", 200, 0),
    (
        "POST",
        "/v1/plans",
        "",
        r#"{"code":"NEW","name":"new","type":"BASIC","price":9900,"intervalMonths":1}"#,
        201,
        0,
    ),
    ("PATCH", "/v1/plans/{id}", "", r#"{"name":"other"}"#, 200, 0),
    ("POST", "/v1/webhooks/toss", "", r#"{"eventType":"PAYMENT_STATUS_CHANGED"}"#, 200, 0),
    ("POST", "/v1/temp-orders", "", r#"{"planId":"{id}","userId":"u1"}"#, 201, 403),
    ("GET", "/v1/temp-orders/{orderId}", "", "", 200, 404),
    (
        "POST",
        "/v1/payments/confirm",
        "",
        r#"{"paymentKey":"{paymentKey}","orderId":"{confirmed}","amount":9900}"#,
        200,
        404,
    ),
    (
        "POST",
        "/v1/payments/fail",
        "",
        r#"{"orderId":"{failed}","code":"PAY_PROCESS_CANCELED","message":"취소"}"#,
        200,
        404,
    ),
    ("GET", "/v1/payments", "?userId=u1", "", 200, 403),
    ("GET", "/v1/payments/{orderId}", "", "", 200, 404),
    ("POST", "/v1/payments/{orderId}/cancel", "", r#"{"cancelReason":"변심","cancelAmount":100}"#, 200, 404),
    ("GET", "/v1/refunds", "?userId=u1", "", 200, 403),
    ("GET", "/v1/subscriptions", "", "", 200, 0),
    ("GET", "/v1/users/{userId}/subscription", "", "", 200, 404),
    ("GET", "/v1/event-amounts", "", "", 200, 0),
    ("GET", "/v1/jobs", "", "", 200, 0),
    ("POST", "/v1/jobs/{name}/run", "", "", 200, 0),
    ("GET", "/v1/jobs/{name}/runs", "", "", 200, 0),
    ("GET", "/v1/admin/attention", "", "", 200, 0),
    ("POST", "/v1/admin/payments/{orderId}/settle", "", "", 200, 0),
    ("GET", "/v1/admin/audit", "", "", 200, 0),
    ("GET", "/healthz", "", "", 200, 0),
    ("GET", "/readyz", "", "", 200, 0),
    ("GET", "/openapi.json", "", "", 200, 0),
    ("GET", "/docs", "", "", 200, 0),
    ("GET", "/assets", "{asset}", "", 200, 0),
    ("GET", "/metrics", "", "", 200, 0),
];

fn example(rule: &Rule) -> Example {
    let found = EXAMPLES.into_iter().find(|example| (example.0, example.1) == (rule.method, rule.path));
    found.unwrap_or_else(|| panic!("nothing shows here what {} {} answers", rule.method, rule.path))
}

/// What each caller gets by the product's table.
fn statuses(rule: &Rule, (well, without): (u16, u16)) -> Statuses {
    let unknown = if rule.is_open() { well } else { 401 };
    let of = |right: Right, own: bool| match right {
        Right::Open | Right::Any => well,
        Right::Own if own => well,
        Right::Own => without,
        Right::Never => 403,
    };
    let (other, own) = (of(rule.user, false), of(rule.user, true));
    [unknown, unknown, unknown, other, own, of(rule.service, true), of(rule.admin, true)]
}

/// What is there of the user `u1`.
struct Seed {
    plan: String,
    paid: String,
    quoted: String,
    confirmed: (String, String),
    failed: String,
    asset: String,
}

impl Seed {
    async fn plant(world: &World) -> Self {
        let plan = world.basic().await;
        let paid = world.buy("u1", &plan).await.order_id;
        let quoted = world.order("u1", &plan).await.order_id;
        let confirmed = world.order("u1", &plan).await;
        let key = world.authenticate(&confirmed);
        let failed = world.order("u1", &plan).await.order_id;
        let asset = asset(world, &quoted).await;
        Self { plan, paid, quoted, confirmed: (confirmed.order_id, key), failed, asset }
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
            ("{asset}", &self.asset),
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
    for rule in RULES {
        let (method, path, query, body, well, without) = example(rule);
        let path = format!("{}{}", seed.fill(path), seed.fill(query));
        for ((caller, name), expected) in callers.iter().zip(CALLERS).zip(statuses(rule, (well, without))) {
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
        assert!(
            access::rule(method, path).is_some(),
            "{method} {path} is documented, but src/auth/access.rs does not say who may ask for it"
        );
    }
    for rule in RULES.iter().filter(|rule| rule.path.starts_with("/v1/")) {
        let known = documented.contains(&(rule.method.to_owned(), rule.path.to_owned()));
        assert!(known, "{} {} is not documented", rule.method, rule.path);
    }
    assert_eq!(EXAMPLES.len(), RULES.len(), "an example of something that is no operation");
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
    let writes = || RULES.iter().filter(|rule| rule.method != "GET" && !rule.is_open());
    for caller in callers(world).iter().take(4) {
        for (method, path, _, body, ..) in writes().map(example) {
            let reply = caller.send_json(method, &seed.fill(path), seed.fill(body)).await;
            assert!([401, 403, 404].contains(&reply.status), "{method} {path}: {}", reply.text);
        }
    }
    assert_eq!(super::rows::rows(world).await, before);
    assert_eq!(world.toss.received().len(), toss);
}

/// What a request for a record is: method, path and body, with `{}` in the place of what names the record.
type Wish = (&'static str, &'static str, &'static str);

async fn another_users_record_looks_exactly_like_none(world: &World) {
    let seed = Seed::plant(world).await;
    let none = seed.quoted.chars().rev().collect::<String>();
    let confirm = r#"{"paymentKey":"tkey","orderId":"{}","amount":9900}"#;
    let fail = r#"{"orderId":"{}","code":"X","message":"x"}"#;
    let cancel = ("POST", "/v1/payments/{}/cancel", r#"{"cancelReason":"x"}"#);
    let quote = format!(r#"{{"planId":"{}","userId":"{{}}"}}"#, seed.plan).leak();
    let (paid, quoted) = (seed.paid.as_str(), seed.quoted.as_str());
    let cases: [(Wish, &str, &str); 13] = [
        (("GET", "/v1/temp-orders/{}", ""), quoted, &none),
        (("GET", "/v1/payments/{}", ""), paid, &none),
        (("GET", "/v1/payments/{}", ""), quoted, &none),
        (("POST", "/v1/payments/confirm", confirm), quoted, &none),
        (("POST", "/v1/payments/confirm", confirm), paid, &none),
        (("POST", "/v1/payments/fail", fail), quoted, &none),
        (("POST", "/v1/payments/fail", fail), paid, &none),
        (cancel, paid, &none),
        (("GET", "/v1/refunds?orderId={}", ""), paid, &none),
        (("GET", "/v1/users/{}/subscription", ""), "u1", "nobody"),
        (("GET", "/v1/payments?userId={}", ""), "u1", "nobody"),
        (("GET", "/v1/refunds?userId={}", ""), "u1", "nobody"),
        (("POST", "/v1/temp-orders", quote), "u1", "nobody"),
    ];
    let other = world.user("u2");
    for ((method, path, body), theirs, nobodys) in cases {
        let mut seen = Vec::new();
        for record in [theirs, nobodys] {
            let request = other.request(method, &path.replace("{}", record)).header("x-request-id", "same");
            let request = request.header("content-type", "application/json").body(body.replace("{}", record));
            let before = world.app.db.statements().get();
            let mut reply = send(request).await;
            let statements = world.app.db.statements().get() - before;
            // How much of a caller's own rate is left tells of the caller.
            for own in ["date", "ratelimit", "ratelimit-policy"] {
                reply.headers.remove(own);
            }
            seen.push((reply.status, format!("{:?}", reply.headers), reply.text, statements));
        }
        let reads = !path.contains('?') && !path.contains("/users/") && path != "/v1/temp-orders";
        assert!(!reads || seen[0].3 > 0, "no statement was counted");
        assert_eq!(seen[0], seen[1], "{method} {path} of {theirs} and of {nobodys}");
    }
}

/// Where an asset of the hosted page is, from `/assets` on.
async fn asset(world: &World, order: &str) -> String {
    let quoted = world.service().get(&format!("/v1/temp-orders/{order}")).await;
    let page = quoted.expect(200)["checkoutUrl"].as_str().expect("a page").to_owned();
    let page = page.strip_prefix(&world.base).expect("here").to_owned();
    let page = world.stranger().get(&page).await.text;
    let (_, asset) = page.split_once("\"/assets").expect("an asset");
    asset.split('"').next().expect("its end").to_owned()
}

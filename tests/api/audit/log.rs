//! What operators and callers did is written down with the deed itself, once, and stays as it was written.

use chrono::Duration;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use toss_sandbox::{Authenticate, PayMethod};

use crate::support::client::{ADMIN_KEY, Client, Reply, SERVICE_KEY, send};
use crate::support::process::{complaint, run};
use crate::support::scenario::scenarios;
use crate::support::world::{World, instant};

scenarios![
    what_is_done_to_plans_is_written_down_with_what_changed,
    a_refund_is_written_down_whoever_asks_for_it,
    jobs_and_settlements_by_hand_are_written_down,
    keys_and_commands_are_written_down_with_who_typed_them,
    what_was_refused_or_repeated_is_written_down_no_second_time,
    an_address_is_the_callers_and_not_the_proxys,
    no_account_and_no_secret_is_in_the_log,
    the_log_is_read_by_page_and_by_what_is_looked_for,
    nothing_in_the_log_can_be_changed,
];

async fn log(world: &World, query: &str) -> Vec<Value> {
    let reply = world.admin().get(&format!("/v1/admin/audit?limit=100{query}")).await;
    reply.expect(200)["items"].as_array().expect("items").clone()
}

fn actions(log: &[Value]) -> Vec<&str> {
    log.iter().map(|event| event["action"].as_str().expect("an action")).collect()
}

async fn named(client: &Client, id: &str, method: &str, path: &str, body: &Value) -> Reply {
    let request = client.request(method, path).header("x-request-id", id);
    send(request.header("content-type", "application/json").body(body.to_string())).await
}

async fn what_is_done_to_plans_is_written_down_with_what_changed(world: &World) {
    let admin = world.admin();
    let body = json!({"code": "A", "name": "가", "type": "BASIC", "price": 9_900, "intervalMonths": 1});
    let plan = named(&admin, "make-1", "POST", "/v1/plans", &body).await.expect(201).clone();
    let path = format!("/v1/plans/{}", plan["id"].as_str().expect("an id"));
    let change = json!({"price": 12_000, "name": "가", "isActive": false});
    named(&admin, "change-1", "PATCH", &path, &change).await.expect(200);
    let log = log(world, "").await;
    assert_eq!(actions(&log), ["plan.change", "plan.create"]);
    for (event, request) in log.iter().zip(["change-1", "make-1"]) {
        assert_eq!(event["requestId"], request);
        assert_eq!((&event["subjectKind"], &event["subject"]), (&"plan".into(), &plan["id"]));
        assert_eq!(
            (&event["actorKind"], &event["actor"]),
            (&"CONFIGURED_KEY".into(), &"auth.admin_key".into())
        );
        assert_eq!(event["address"], "127.0.0.1");
        assert!(instant(&event["at"]) <= world.app.clock.now());
    }
    // Only what is different.
    assert_eq!(log[0]["before"], json!({"price": 9_900, "isActive": true}));
    assert_eq!(log[0]["after"], json!({"price": 12_000, "isActive": false}));
    assert!(log[1]["before"].is_null());
    assert_eq!((&log[1]["after"]["code"], &log[1]["after"]["type"]), (&"A".into(), &"BASIC".into()));
}

async fn a_refund_is_written_down_whoever_asks_for_it(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let path = format!("/v1/payments/{}/cancel", order.order_id);
    let callers = [
        (world.user("u1"), "USER", "user"),
        (world.service(), "CONFIGURED_KEY", "auth.service_key"),
        (world.admin(), "CONFIGURED_KEY", "auth.admin_key"),
    ];
    for (client, kind, name) in callers {
        let body = json!({"cancelReason": "변심", "cancelAmount": 100});
        let refund = client.post(&path, body).await.expect(200)["refund"]["id"].clone();
        let log = log(world, &format!("&subject={}", order.order_id)).await;
        assert_eq!((&log[0]["actorKind"], &log[0]["actor"]), (&kind.into(), &name.into()));
        assert_eq!(
            (&log[0]["action"], &log[0]["subjectKind"]),
            (&"refund.request".into(), &"payment".into())
        );
        assert_eq!(log[0]["after"], json!({"refundId": refund, "amount": 100}));
        // The log outlives a user who wants to be forgotten.
        assert_eq!(log[0]["address"].is_null(), kind == "USER");
    }
}

async fn jobs_and_settlements_by_hand_are_written_down(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    world.run_job("check").await;
    let path = format!("/v1/admin/payments/{}/settle", order.order_id);
    world.admin().post(&path, json!({})).await.expect(200);
    let found = log(world, "").await;
    assert_eq!(actions(&found), ["payment.settle", "job.run", "plan.create"]);
    assert_eq!((&found[0]["subject"], &found[1]["subject"]), (&order.order_id.into(), &"check".into()));
    // What is due runs by itself, and is in the list of runs.
    gudok::jobs::run_due(&world.app, gudok::jobs::Job::SettlePayments, world.app.clock.now())
        .await
        .expect("a run");
    assert_eq!(log(world, "").await.len(), 3);
}

async fn keys_and_commands_are_written_down_with_who_typed_them(world: &World) {
    let mut variables = world.variables.clone();
    variables.insert("USER".to_owned(), "operator".to_owned());
    let made = run(&variables, &["api-key", "create", "--role", "admin", "--name", "밤 당번"]).await;
    assert!(made.status.success(), "{}", complaint(&made));
    let key = String::from_utf8(made.stdout).expect("text").trim().to_owned();
    world.stranger().with_token(Some(&key)).post("/v1/jobs/check/run", json!({})).await.expect(200);
    let ended = run(&variables, &["job", "run", "check"]).await;
    assert!(ended.status.success(), "{}", complaint(&ended));
    let ended = run(&variables, &["reconcile", "--from", "2026-01-01", "--to", "2026-01-01"]).await;
    assert!(ended.status.success(), "{}", complaint(&ended));
    let revoked = run(&variables, &["api-key", "revoke", &key[..17]]).await;
    assert!(revoked.status.success(), "{}", complaint(&revoked));
    let log = log(world, "").await;
    assert_eq!(actions(&log), ["api_key.revoke", "job.run", "job.run", "job.run", "api_key.create"]);
    for event in [&log[0], &log[1], &log[2], &log[4]] {
        assert_eq!(event["actorKind"], "CLI");
        assert!(event["actor"].as_str().is_some_and(|who| who.starts_with("operator (uid ")), "{event}");
        assert!(event["address"].is_null() && event["requestId"].is_null());
    }
    assert_eq!((&log[3]["actorKind"], &log[3]["actor"]), (&"API_KEY".into(), &key[..17].into()));
    assert_eq!(log[4]["after"]["name"], "밤 당번");
    assert_eq!((&log[4]["after"]["prefix"], &log[4]["subject"]), (&key[..17].into(), &log[0]["subject"]));
}

async fn what_was_refused_or_repeated_is_written_down_no_second_time(world: &World) {
    let admin = world.admin();
    let body = json!({"code": "A", "name": "가", "type": "BASIC", "price": 9_900, "intervalMonths": 1});
    for _ in 0..2 {
        let request = admin.request("POST", "/v1/plans").header("idempotency-key", "once");
        let request = request.header("content-type", "application/json").body(body.to_string());
        send(request).await.expect(201);
    }
    admin.post("/v1/plans", body).await.expect_field("code");
    world.service().post("/v1/plans", json!({})).await.expect_problem(403, "FORBIDDEN");
    let unknown = "/v1/plans/0198c1b2-0000-7000-8000-000000000000";
    admin.patch(unknown, json!({"price": 100})).await.expect_problem(404, "PLAN_NOT_FOUND");
    let plan = world.premium().await;
    let order = world.buy("u1", &plan).await;
    world.refund(&order, Some(1_000_000)).await.expect_problem(409, "REFUND_EXCEEDS_BALANCE");
    admin.post("/v1/admin/payments/order-of-nobody/settle", json!({})).await.expect(404);
    assert_eq!(actions(&log(world, "").await), ["plan.create", "plan.create"]);
}

async fn an_address_is_the_callers_and_not_the_proxys(world: &World) {
    let (_app, proxied) =
        world.second_service_with(&[("GUDOK__SERVER__TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    for client in [proxied.clone(), world.admin()] {
        let request = client.request("POST", "/v1/jobs/check/run").header("x-forwarded-for", "203.0.113.9");
        send(request).await.expect(200);
    }
    let log = log(world, "").await;
    assert_eq!((&log[1]["address"], &log[0]["address"]), (&"203.0.113.9".into(), &"127.0.0.1".into()));
}

async fn no_account_and_no_secret_is_in_the_log(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    world.confirm(&order, &key).await.expect(200);
    world.toss.deposit(&key).expect("paid");
    world.admin().post(&format!("/v1/admin/payments/{}/settle", order.order_id), json!({})).await.expect(200);
    let body = json!({
        "cancelReason": "계좌 99988877766",
        "refundReceiveAccount": {"bank": "88", "accountNumber": "12345678901234", "holderName": "김토스"},
    });
    let cancel = format!("/v1/payments/{}/cancel", order.order_id);
    world.service().post(&cancel, body).await.expect(200);
    let text = serde_json::to_string(&log(world, "").await).expect("text");
    assert!(text.contains("refund.request"));
    for hidden in ["12345678901234", "김토스", "99988877766", ADMIN_KEY, SERVICE_KEY, &key] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
}

async fn the_log_is_read_by_page_and_by_what_is_looked_for(world: &World) {
    let plan = world.basic().await;
    let middle = world.app.clock.now() + Duration::hours(1);
    world.advance(Duration::hours(2));
    for price in [10_000, 11_000, 12_000] {
        world.admin().patch(&format!("/v1/plans/{plan}"), json!({"price": price})).await.expect(200);
    }
    let order = world.buy("u1", &plan).await;
    let cancel = format!("/v1/payments/{}/cancel", order.order_id);
    world.user("u1").post(&cancel, json!({"cancelReason": "변심"})).await.expect(200);
    let all = log(world, "").await;
    assert_eq!(all.len(), 5);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let reply = world.admin().get(&format!("/v1/admin/audit?limit=2{cursor}")).await;
        seen.extend(reply.expect(200)["items"].as_array().expect("items").clone());
        let Some(next) = reply.body["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, all);
    let stamp = middle.format("%Y-%m-%dT%H:%M:%SZ");
    for (query, expected) in [
        ("&action=plan.change".to_owned(), &all[1..4]),
        ("&actor=user".to_owned(), &all[..1]),
        (format!("&subject={plan}"), &all[1..]),
        (format!("&from={stamp}"), &all[..4]),
        (format!("&to={stamp}"), &all[4..]),
        (format!("&action=plan.create&actor=auth.admin_key&subject={plan}&to={stamp}"), &all[4..]),
        ("&actor=nobody".to_owned(), &all[..0]),
    ] {
        assert_eq!(log(world, &query).await, expected, "{query}");
    }
    for (query, field) in
        [("action=plan.", "action"), ("from=today", "from"), ("actor=", "actor"), ("who=x", "who")]
    {
        world.admin().get(&format!("/v1/admin/audit?{query}")).await.expect_field(field);
    }
    world.service().get("/v1/admin/audit").await.expect_problem(403, "FORBIDDEN");
}

async fn nothing_in_the_log_can_be_changed(world: &World) {
    world.basic().await;
    let before = log(world, "").await;
    assert_eq!(before.len(), 1);
    let replace = "INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event";
    for sql in ["UPDATE audit_event SET actor = 'somebody'", "DELETE FROM audit_event", replace] {
        let outcome = world.app.db.read().execute_unprepared(sql).await;
        assert!(outcome.is_err(), "taken: {sql}");
    }
    assert_eq!(log(world, "").await, before);
}

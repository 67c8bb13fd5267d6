//! What needs a person is listed with why and what to do, and is gone once it is over.

use chrono::Duration;
use entity::FindingId;
use entity::finding::{self, FindingSource};
use gudok::findings::Kind;
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation};

use super::settle::{lost, settle_by};
use crate::payments::compensated::one_decade_too_many;
use crate::support::client::send;
use crate::support::scenario::scenarios;
use crate::support::world::{World, instant};

scenarios![
    a_payment_unknown_for_an_hour_is_listed_until_it_is_settled,
    a_refund_unknown_for_an_hour_is_listed_until_it_is_settled,
    a_compensation_that_takes_an_hour_is_listed_and_then_that_it_was_made,
    a_compensation_that_toss_refuses_is_listed_until_staff_have_made_it,
    a_wrong_key_of_ours_is_listed_until_a_right_one_works,
    a_payment_that_cannot_be_applied_is_listed_until_staff_have_cancelled_it,
    a_webhook_not_worked_off_for_an_hour_is_listed_until_it_is,
    a_job_that_fails_is_listed_until_it_does_its_work,
    a_job_that_nobody_runs_is_listed_until_somebody_does,
    every_finding_is_explained_in_both_languages,
    the_list_read_page_by_page_gives_each_once_the_most_urgent_kind_first,
];

/// What the list has of this kind.
async fn listed(world: &World, kind: &str) -> Vec<Value> {
    let reply = world.admin().get("/v1/admin/attention?limit=100").await;
    assert!(reply.expect(200)["nextCursor"].is_null());
    let items = reply.body["items"].as_array().expect("items").clone();
    items.into_iter().filter(|item| item["kind"] == kind).collect()
}

/// The only one of this kind.
async fn only(world: &World, kind: &str) -> Value {
    let items = listed(world, kind).await;
    assert_eq!(items.len(), 1, "{kind}: {items:?}");
    items.into_iter().next().expect("one")
}

async fn a_payment_unknown_for_an_hour_is_listed_until_it_is_settled(world: &World) {
    let plan = world.basic().await;
    let begun = world.app.clock.now();
    let (order, key) = lost(world, "u1", &plan, FaultKind::DropAfter).await;
    world.advance(Duration::minutes(59));
    assert_eq!(listed(world, "PAYMENT_UNKNOWN").await, Vec::<Value>::new());
    world.advance(Duration::minutes(2));
    let item = only(world, "PAYMENT_UNKNOWN").await;
    assert_eq!((&item["orderId"], &item["paymentKey"]), (&json!(order.order_id), &json!(key)));
    assert!((begun..begun + Duration::minutes(1)).contains(&instant(&item["since"])), "{item}");
    // What it says to do is what helps.
    let call = format!("POST /v1/admin/payments/{}/settle", order.order_id);
    assert!(item["whatToDo"].as_str().is_some_and(|text| text.contains(&call)), "{item}");
    settle_by(&world.admin(), &order).await.expect(200);
    assert_eq!(listed(world, "PAYMENT_UNKNOWN").await, Vec::<Value>::new());
}

async fn a_refund_unknown_for_an_hour_is_listed_until_it_is_settled(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropAfter));
    let reply = world.refund(&order, Some(900)).await;
    let refund = reply.expect(202)["refund"]["id"].clone();
    world.advance(Duration::minutes(61));
    let item = only(world, "REFUND_PENDING").await;
    assert_eq!((&item["orderId"], &item["refundId"]), (&json!(order.order_id), &refund));
    assert!(item["ours"].as_str().is_some_and(|ours| ours.contains("900 won")), "{item}");
    settle_by(&world.admin(), &order).await.expect(200);
    assert_eq!(listed(world, "REFUND_PENDING").await, Vec::<Value>::new());
}

async fn a_compensation_that_takes_an_hour_is_listed_and_then_that_it_was_made(world: &World) {
    let order = one_decade_too_many(world).await;
    assert_eq!(listed(world, "COMPENSATION_PENDING").await, Vec::<Value>::new());
    world.advance(Duration::minutes(61));
    assert_eq!(only(world, "COMPENSATION_PENDING").await["orderId"], order.order_id);
    assert_eq!(only(world, "PAYMENT_UNKNOWN").await["orderId"], order.order_id);
    assert_eq!(settle_by(&world.admin(), &order).await.expect(200)["status"], "CANCELED");
    for kind in ["COMPENSATION_PENDING", "PAYMENT_UNKNOWN"] {
        assert_eq!(listed(world, kind).await, Vec::<Value>::new());
    }
    world.advance(Duration::days(6));
    assert_eq!(only(world, "COMPENSATION_DONE").await["orderId"], order.order_id);
    world.advance(Duration::days(2));
    assert_eq!(listed(world, "COMPENSATION_DONE").await, Vec::<Value>::new());
}

async fn a_compensation_that_toss_refuses_is_listed_until_staff_have_made_it(world: &World) {
    let order = one_decade_too_many(world).await;
    let refused = || Fault::new(Operation::Cancel, FaultKind::Reject).code("NOT_CANCELABLE_PAYMENT");
    world.toss.inject(refused());
    world.settle().await;
    let item = only(world, "COMPENSATION_FAILED").await;
    assert_eq!(item["orderId"], order.order_id);
    assert!(
        item["theirs"].as_str().is_some_and(|theirs| theirs.starts_with("NOT_CANCELABLE_PAYMENT")),
        "{item}"
    );
    let samples = world.admin().get("/metrics").await.text;
    assert!(samples.contains("\ngudok_compensations_failed 1\n"), "{samples}");
    // Another try that Toss refuses as well leaves it where it is.
    world.toss.inject(refused());
    settle_by(&world.admin(), &order).await.expect(200);
    let key = only(world, "COMPENSATION_FAILED").await["paymentKey"].as_str().expect("a key").to_owned();
    assert_eq!(world.ledger_of(&order), (1, 100_000));
    world.toss.console_cancel(&key, None, "고객 요청").expect("cancelled");
    assert_eq!(settle_by(&world.admin(), &order).await.expect(200)["status"], "CANCELED");
    assert_eq!(listed(world, "COMPENSATION_FAILED").await, Vec::<Value>::new());
    assert_eq!(only(world, "COMPENSATION_DONE").await["orderId"], order.order_id);
}

async fn a_wrong_key_of_ours_is_listed_until_a_right_one_works(world: &World) {
    let wrong = [("GUDOK__TOSS__SECRET_KEY", "test_gsk_of_another_shop_00000000")];
    let (_app, misconfigured) = world.second_service_with(&wrong).await;
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let reply = misconfigured.post("/v1/payments/confirm", order.confirmation(&key)).await;
    reply.expect_problem(503, "PG_UNAVAILABLE");
    let item = only(world, "MISCONFIGURED").await;
    assert!(item["whatToDo"].as_str().is_some_and(|text| text.contains("toss.secret_key")), "{item}");
    assert!(!item.to_string().contains("test_gsk_"), "{item}");
    assert_eq!(settle_by(&world.admin(), &order).await.expect(200)["status"], "DONE");
    assert_eq!(listed(world, "MISCONFIGURED").await, Vec::<Value>::new());
}

async fn a_payment_that_cannot_be_applied_is_listed_until_staff_have_cancelled_it(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    // The window was opened with another amount than the quoted one, and somebody confirms that behind our back.
    let key = world.authenticate_with(Authenticate::new(order.order_id.clone(), 100));
    world.confirm(&order, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    let direct = reqwest::Client::new()
        .post(format!("{}/v1/payments/confirm", world.toss.url()))
        .basic_auth(world.toss.secret_key(), Some(""))
        .header("content-type", "application/json")
        .body(json!({"paymentKey": key, "orderId": order.order_id, "amount": 100}).to_string())
        .send();
    assert_eq!(direct.await.expect("an answer").status(), 200);
    assert_eq!(settle_by(&world.admin(), &order).await.expect(200)["status"], "ABORTED");
    let item = only(world, "UNAPPLICABLE").await;
    assert_eq!((&item["orderId"], &item["paymentKey"]), (&json!(order.order_id), &json!(key)));
    assert!(item["theirs"].as_str().is_some_and(|theirs| theirs.contains("100 won")), "{item}");
    world.toss.console_cancel(&key, None, "잘못된 금액").expect("cancelled");
    settle_by(&world.admin(), &order).await.expect(200);
    assert_eq!(listed(world, "UNAPPLICABLE").await, Vec::<Value>::new());
}

async fn a_webhook_not_worked_off_for_an_hour_is_listed_until_it_is(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    world.toss.inject(Fault::new(Operation::Get, FaultKind::ErrorBefore).times(100));
    let webhook = json!({"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": order.order_id}});
    world.stranger().post("/v1/webhooks/toss", webhook).await.expect(200);
    for _ in 0..4 {
        assert_eq!(world.run_job("process-webhooks").await, 0);
        world.advance(Duration::minutes(16));
    }
    let item = only(world, "WEBHOOK_PENDING").await;
    assert_eq!(item["orderId"], order.order_id);
    assert!(item["whatToDo"].as_str().is_some_and(|text| text.contains("/v1/jobs/process-webhooks/run")));
    world.toss.clear_faults();
    world.advance(Duration::hours(2));
    assert_eq!(world.run_job("process-webhooks").await, 1);
    assert_eq!(listed(world, "WEBHOOK_PENDING").await, Vec::<Value>::new());
}

async fn a_job_that_fails_is_listed_until_it_does_its_work(world: &World) {
    let run = async || {
        let reply = world.admin().post("/v1/jobs/purge-temp-orders/run", json!({})).await;
        reply.expect(200)["status"].clone()
    };
    assert_eq!(run().await, "DONE");
    let rename = async |from: &str, to: &str| {
        let sql = format!("ALTER TABLE {from} RENAME TO {to}");
        world.app.db.read().execute_unprepared(&sql).await.expect("renamed");
    };
    rename("temp_order", "elsewhere").await;
    let first_failure = world.app.clock.now();
    assert_eq!(run().await, "FAILED");
    world.advance(Duration::minutes(2));
    assert_eq!(run().await, "FAILED");
    let item = only(world, "JOB_FAILED").await;
    assert!(
        (first_failure..first_failure + Duration::minutes(1)).contains(&instant(&item["since"])),
        "{item}"
    );
    assert!(item["detail"].as_str().is_some_and(|text| text.contains("purge-temp-orders")), "{item}");
    assert!(item["whatToDo"].as_str().is_some_and(|text| text.contains("/v1/jobs/purge-temp-orders/run")));
    rename("elsewhere", "temp_order").await;
    assert_eq!(run().await, "DONE");
    assert_eq!(listed(world, "JOB_FAILED").await, Vec::<Value>::new());
}

async fn a_job_that_nobody_runs_is_listed_until_somebody_does(world: &World) {
    let overdue = async |job: &str| {
        let items = listed(world, "JOB_OVERDUE").await;
        items.iter().any(|item| item["detail"].as_str().is_some_and(|text| text.contains(job)))
    };
    // Nothing runs by schedule in this world.
    for (job, most) in
        [("settle-payments", Duration::minutes(11)), ("expire-subscriptions", Duration::hours(26))]
    {
        assert!(overdue(job).await, "{job}");
        world.run_job(job).await;
        assert!(!overdue(job).await, "{job}");
        world.advance(Duration::minutes(9));
        assert!(!overdue(job).await, "{job}");
        world.advance(most);
        assert!(overdue(job).await, "{job}");
    }
}

async fn every_finding_is_explained_in_both_languages(world: &World) {
    let now = world.app.clock.now();
    let row = |kind: &str| finding::Model {
        id: FindingId::new(),
        kind: kind.to_owned(),
        subject: "order-0001".to_owned(),
        source: FindingSource::Check,
        order_id: Some("order-0001".to_owned()),
        payment_key: Some("tgen_0001".to_owned()),
        detail: "words of the finder".to_owned(),
        ours: Some("9900 won".to_owned()),
        theirs: Some("0 won".to_owned()),
        first_seen_at: now,
        last_seen_at: now,
        resolved_at: None,
    };
    let kinds = Kind::ALL.map(Kind::name);
    // A newer version may share the database.
    let rows = kinds.into_iter().chain(["A_KIND_OF_TOMORROW"]).map(|kind| row(kind).into_active_model());
    finding::Entity::insert_many(rows).exec_without_returning(world.app.db.read()).await.expect("inserted");
    let of = async |language: &str| {
        let request = world.admin().request("GET", "/v1/admin/attention?limit=100");
        let reply = send(request.header("accept-language", language)).await;
        reply.expect(200)["items"].as_array().expect("items").clone()
    };
    let (korean, english) = (of("ko").await, of("en").await);
    for kind in kinds.into_iter().chain(["A_KIND_OF_TOMORROW"]) {
        let find = |items: &[Value]| items.iter().find(|item| item["kind"] == kind).cloned().expect(kind);
        let (korean, english) = (find(&korean), find(&english));
        for field in ["detail", "whatToDo"] {
            let text = |item: &Value| item[field].as_str().expect("a text").to_owned();
            let hangul = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
            assert!(hangul(&text(&korean)) && text(&korean) != text(&english), "{kind}: {field}");
            assert!(!text(&english).contains('{') && !text(&korean).contains('{'), "{kind}: {field}");
        }
        assert!(english["detail"].as_str().is_some_and(|text| text.contains("words of the finder")));
        assert_eq!((&english["ours"], &english["theirs"]), (&json!("9900 won"), &json!("0 won")));
    }
}

async fn the_list_read_page_by_page_gives_each_once_the_most_urgent_kind_first(world: &World) {
    let plan = world.event().await;
    let paid = world.buy("u1", &plan).await;
    for user in ["u1", "u2", "u3"] {
        lost(world, user, &plan, FaultKind::DropAfter).await;
    }
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropAfter));
    world.refund(&paid, None).await.expect(202);
    world.stranger().post("/v1/webhooks/toss", json!({"orderId": "order-0001"})).await.expect(200);
    world.advance(Duration::minutes(61));
    let page = async |limit: usize, cursor: Option<&str>| {
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let reply = world.admin().get(&format!("/v1/admin/attention?limit={limit}{cursor}")).await;
        let body = reply.expect(200).clone();
        let next = body["nextCursor"].as_str().map(str::to_owned);
        (body["items"].as_array().expect("items").clone(), next)
    };
    let (whole, end) = page(100, None).await;
    assert_eq!(end, None);
    let mut kinds: Vec<&str> = whole.iter().filter_map(|item| item["kind"].as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "PAYMENT_UNKNOWN").count(), 3);
    kinds.dedup();
    assert_eq!(kinds, ["JOB_OVERDUE", "PAYMENT_UNKNOWN", "REFUND_PENDING", "WEBHOOK_PENDING"]);
    for limit in 1..=whole.len() {
        let (mut read, mut cursor) = (Vec::new(), None);
        loop {
            let (items, next) = page(limit, cursor.as_deref()).await;
            assert!(items.len() == limit || next.is_none(), "a short page in the middle");
            assert!(!items.is_empty(), "an empty page at the end");
            read.extend(items);
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        // When a job that never ran was last due moves with the clock.
        let names = |items: &[Value]| {
            items
                .iter()
                .map(|item| (item["kind"].clone(), item["orderId"].clone(), item["detail"].clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&read), names(&whole), "by {limit}");
    }
}

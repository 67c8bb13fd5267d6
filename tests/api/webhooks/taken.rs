//! How webhooks are taken: stored once, answered at once, bounded in size and number.

use entity::webhook::{self, WebhookStatus};
use sea_orm::EntityTrait;
use serde_json::json;
use toss_sandbox::{Fault, FaultKind, Operation, WebhookFault, WebhookFaultKind};

use crate::support::client::{Client, send};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_purchase_is_told_and_changes_nothing_more,
    a_webhook_before_the_answer_finishes_the_purchase_once,
    a_webhook_finds_out_what_a_lost_answer_said,
    the_same_transmission_is_stored_once,
    the_same_content_without_a_transmission_id_is_stored_once,
    a_webhook_waits_until_toss_can_be_asked,
    two_services_work_a_webhook_off_once,
    too_many_in_a_minute_are_told_to_come_back,
    one_that_is_too_large_or_no_json_is_refused,
    only_listed_addresses_may_send_where_there_is_a_list,
    old_ones_are_forgotten,
];

async fn stored(world: &World) -> Vec<webhook::Model> {
    webhook::Entity::find().all(world.app.db.read()).await.expect("webhooks")
}

async fn a_purchase_is_told_and_changes_nothing_more(world: &World) {
    world.listen_to_webhooks();
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let before = world.payment(&order).await;
    assert_eq!(world.work_webhooks_off().await, 1);
    assert_eq!(world.payment(&order).await, before);
    let rows = stored(world).await;
    assert_eq!((rows.len(), rows[0].status), (1, WebhookStatus::Done));
    assert_eq!(rows[0].event_type, "PAYMENT_STATUS_CHANGED");
    assert_eq!(rows[0].order_id.as_deref(), Some(order.order_id.as_str()));
}

async fn a_webhook_before_the_answer_finishes_the_purchase_once(world: &World) {
    world.listen_to_webhooks();
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::BeforeAnswer));
    world
        .toss
        .inject(Fault::new(Operation::Confirm, FaultKind::Delay).delay(std::time::Duration::from_secs(600)));
    let (client, body) = (world.service(), order.confirmation(&key));
    let waiting = tokio::spawn(async move { client.post("/v1/payments/confirm", body).await });
    // The purchase is claimed and Toss has approved it; its answer is still on the way.
    crate::support::process::eventually("the webhook is stored", async || {
        (!stored(world).await.is_empty()).then_some(())
    })
    .await;
    assert_eq!(world.work_webhooks_off().await, 1);
    assert_eq!(world.payment(&order).await["status"], "DONE");
    world.toss.clear_faults();
    assert_eq!(waiting.await.expect("answered").expect(200)["payment"]["status"], "DONE");
    assert_eq!(world.subscription("u1").await["periods"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn a_webhook_finds_out_what_a_lost_answer_said(world: &World) {
    world.listen_to_webhooks();
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    world.confirm(&order, &key).await.expect(202);
    assert_eq!(world.work_webhooks_off().await, 1);
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert_eq!(world.confirms_received(&order), 1);
}

async fn the_same_transmission_is_stored_once(world: &World) {
    world.listen_to_webhooks();
    let plan = world.basic().await;
    world.toss.inject_webhook(WebhookFault::new(WebhookFaultKind::Duplicate).copies(5));
    world.buy("u1", &plan).await;
    world.toss.webhooks_idle().await;
    assert_eq!(world.toss.webhooks().len(), 5);
    assert_eq!(stored(world).await.len(), 1);
    let looked_up = world.calls_received(Operation::Get);
    assert_eq!(world.work_webhooks_off().await, 1);
    assert_eq!(world.calls_received(Operation::Get), looked_up + 1);
}

async fn the_same_content_without_a_transmission_id_is_stored_once(world: &World) {
    let body = json!({"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": "order-0001"}});
    for _ in 0..3 {
        world.stranger().post("/v1/webhooks/toss", body.clone()).await.expect(200);
    }
    assert_eq!(stored(world).await.len(), 1);
    let other = json!({"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": "order-0002"}});
    world.stranger().post("/v1/webhooks/toss", other).await.expect(200);
    assert_eq!(stored(world).await.len(), 2);
}

async fn a_webhook_waits_until_toss_can_be_asked(world: &World) {
    world.listen_to_webhooks();
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    world.toss.webhooks_idle().await;
    world.toss.inject(Fault::new(Operation::Get, FaultKind::ErrorBefore).times(2).for_order(order.order_id));
    assert_eq!(world.run_job("process-webhooks").await, 0);
    assert_eq!(stored(world).await[0].status, WebhookStatus::Pending);
    for expected in [0, 1] {
        world.advance(chrono::Duration::seconds(5));
        assert_eq!(world.run_job("process-webhooks").await, expected);
    }
    assert_eq!(stored(world).await[0].status, WebhookStatus::Done);
}

async fn two_services_work_a_webhook_off_once(world: &World) {
    world.listen_to_webhooks();
    let (app, _client) = world.second_service().await;
    let plan = world.basic().await;
    for user in ["u1", "u2", "u3", "u4"] {
        world.buy(user, &plan).await;
    }
    world.toss.webhooks_idle().await;
    let looked_up = world.calls_received(Operation::Get);
    let (here, there) = tokio::join!(gudok::webhooks::work_off(&world.app), gudok::webhooks::work_off(&app));
    assert_eq!(here.expect("worked off") + there.expect("worked off"), 4);
    assert_eq!(world.calls_received(Operation::Get), looked_up + 4);
}

async fn too_many_in_a_minute_are_told_to_come_back(world: &World) {
    let (_app, client) = world.second_service_with(&[("GUDOK__TOSS__WEBHOOKS_PER_MINUTE", "3")]).await;
    let stranger = client.with_token(None);
    let body = |n: u32| json!({"eventType": "X", "data": {"orderId": format!("order-{n:04}")}});
    for n in 0..3 {
        stranger.post("/v1/webhooks/toss", body(n)).await.expect(200);
    }
    let refused = stranger.post("/v1/webhooks/toss", body(4)).await;
    refused.expect_problem(429, "RATE_LIMITED");
    assert!((1..=60).contains(&refused.header("retry-after").parse().expect("seconds")));
    assert_eq!(stored(world).await.len(), 3);
    world.advance(chrono::Duration::minutes(1));
    stranger.post("/v1/webhooks/toss", body(4)).await.expect(200);
}

async fn one_that_is_too_large_or_no_json_is_refused(world: &World) {
    let post = async |body: String| world.stranger().send_json("POST", "/v1/webhooks/toss", body).await;
    post("<html>".to_owned()).await.expect_field("body");
    post("[1]".to_owned()).await.expect_field("body");
    post(String::new()).await.expect_field("body");
    let large = format!(r#"{{"eventType": "{}"}}"#, "x".repeat(70_000));
    post(large).await.expect_problem(413, "PAYLOAD_TOO_LARGE");
    let long = format!(r#"{{"eventType": "{}"}}"#, "가\\u0000".repeat(200));
    post(long).await.expect(200);
    let rows = stored(world).await;
    assert_eq!((rows.len(), rows[0].event_type.chars().count()), (1, 100));
}

async fn only_listed_addresses_may_send_where_there_is_a_list(world: &World) {
    let body = || json!({"eventType": "X"}).to_string();
    let from = async |client: &Client, forwarded: &str| {
        let request = client.request("POST", "/v1/webhooks/toss").header("x-forwarded-for", forwarded);
        send(request.header("content-type", "application/json").body(body())).await
    };
    let listed = ("GUDOK__TOSS__WEBHOOK_ADDRESSES", "13.124.18.147, 3.36.173.0/24");
    let (_app, direct) = world.second_service_with(&[listed]).await;
    // Whatever a stranger claims about where it comes from.
    from(&direct, "13.124.18.147").await.expect_problem(403, "FORBIDDEN");
    let proxied = [listed, ("GUDOK__SERVER__TRUSTED_PROXIES", "127.0.0.0/8, ::1")];
    let (_app, proxied) = world.second_service_with(&proxied).await;
    from(&proxied, "13.124.18.147").await.expect(200);
    from(&proxied, "203.0.113.9, 3.36.173.151").await.expect(200);
    from(&proxied, "13.124.18.147, 203.0.113.9").await.expect_problem(403, "FORBIDDEN");
}

async fn old_ones_are_forgotten(world: &World) {
    world.listen_to_webhooks();
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    world.stranger().post("/v1/webhooks/toss", json!({"eventType": "X"})).await.expect(200);
    assert_eq!(world.work_webhooks_off().await, 2);
    world.advance(chrono::Duration::days(6));
    assert_eq!(world.run_job("purge-webhooks").await, 1);
    world.stranger().post("/v1/webhooks/toss", json!({"eventType": "Y"})).await.expect(200);
    world.advance(chrono::Duration::days(9));
    assert_eq!(world.run_job("purge-webhooks").await, 1);
    let rows = stored(world).await;
    // What nobody has looked into is never forgotten.
    assert_eq!((rows.len(), rows[0].status), (1, WebhookStatus::Pending));
}

//! Which answers are kept, and that they are given again as they were.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation};

use super::{assert_repeats, keys, post, replayed};
use crate::contract::rows::rows;
use crate::support::client::send;
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    every_post_repeats_its_first_answer_byte_by_byte,
    a_partial_refund_sent_twice_with_a_key_is_one_refund_and_without_one_two,
    the_first_answer_stands_whatever_becomes_of_the_payment,
    a_rejection_by_toss_is_repeated,
    a_refusal_by_the_rules_is_repeated_although_it_would_be_granted_by_now,
    a_refusal_of_the_request_itself_is_not_kept,
    a_caller_who_was_not_allowed_leaves_the_key_free,
    an_error_of_ours_is_not_kept,
    a_job_that_ran_already_is_asked_again_under_the_same_key,
];

/// Every operation that takes a key, with a request that it grants.
async fn requests(world: &World) -> Vec<(String, Value, u16)> {
    let plan = world.basic().await;
    let (paid, confirmed) = (world.buy("u1", &plan).await, world.order("u1", &plan).await);
    let (key, failed) = (world.authenticate(&confirmed), world.order("u1", &plan).await);
    let new = json!({"code": "NEW", "name": "new", "type": "BASIC", "price": 9_900, "intervalMonths": 1});
    let failure = json!({"orderId": failed.order_id, "code": "PAY_PROCESS_CANCELED", "message": "취소"});
    let posts = [
        ("/v1/plans".to_owned(), new, 201),
        ("/v1/temp-orders".to_owned(), json!({"planId": plan, "userId": "u1"}), 201),
        ("/v1/payments/confirm".to_owned(), confirmed.confirmation(&key), 200),
        ("/v1/payments/fail".to_owned(), failure, 200),
        (cancel_of(&paid), json!({"cancelReason": "변심", "cancelAmount": 1_000}), 200),
        ("/v1/jobs/purge-temp-orders/run".to_owned(), json!({}), 200),
        (format!("/v1/admin/payments/{}/settle", paid.order_id), json!({}), 200),
    ];
    posts.into()
}

fn cancel_of(order: &Order) -> String {
    format!("/v1/payments/{}/cancel", order.order_id)
}

async fn every_post_repeats_its_first_answer_byte_by_byte(world: &World) {
    let (admin, posts) = (world.admin(), requests(world).await);
    let document = world.stranger().get("/openapi.json").await;
    let keyed = document.text.matches(r#""name": "Idempotency-Key""#).count();
    assert_eq!(posts.len(), keyed, "another operation takes a key");
    for (index, (path, body, status)) in posts.iter().enumerate() {
        let key = format!("key {index}");
        let first = post(&admin, path, body, &key).await;
        first.expect(*status);
        assert!(!replayed(&first), "{path}");
        let (before, asked) = (rows(world).await, world.toss.received().len());
        world.advance(chrono::Duration::seconds(70));
        for _ in 0..2 {
            assert_repeats(&first, &post(&admin, path, body, &key).await);
        }
        assert_eq!(rows(world).await, before, "{path} had an effect again");
        assert_eq!(world.toss.received().len(), asked, "{path} asked Toss again");
    }
}

async fn a_partial_refund_sent_twice_with_a_key_is_one_refund_and_without_one_two(world: &World) {
    let plan = world.basic().await;
    let (keyed, bare) = (world.buy("u1", &plan).await, world.buy("u2", &plan).await);
    let body = json!({"cancelReason": "변심", "cancelAmount": 1_000});
    for _ in 0..2 {
        post(&world.service(), &cancel_of(&keyed), &body, "k").await.expect(200);
        world.service().post(&cancel_of(&bare), body.clone()).await.expect(200);
    }
    assert_eq!((world.ledger_of(&keyed), world.ledger_of(&bare)), ((1, 8_900), (1, 7_900)));
    // Another key means another refund, of the same amount and for the same reason.
    post(&world.service(), &cancel_of(&keyed), &body, "l").await.expect(200);
    assert_eq!(world.ledger_of(&keyed), (1, 7_900));
}

async fn the_first_answer_stands_whatever_becomes_of_the_payment(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let body = order.confirmation(&world.authenticate(&order));
    let first = post(&world.service(), "/v1/payments/confirm", &body, "k").await;
    assert_eq!(first.expect(200)["payment"]["status"], "DONE");
    world.refund(&order, None).await.expect(200);
    let again = post(&world.service(), "/v1/payments/confirm", &body, "k").await;
    assert_repeats(&first, &again);
    // Without the key it is told how it stands.
    let bare = world.service().post("/v1/payments/confirm", body).await;
    assert_eq!(bare.expect(200)["payment"]["status"], "CANCELED");
}

async fn a_rejection_by_toss_is_repeated(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let lost = Authenticate::new(order.order_id.clone(), order.amount).card("4000000000000005");
    let body = order.confirmation(&world.authenticate_with(lost));
    let first = post(&world.service(), "/v1/payments/confirm", &body, "k").await;
    first.expect_problem(402, "PAYMENT_REJECTED");
    let key = world.authenticate(&order);
    world.confirm(&order, &key).await.expect(200);
    let again = post(&world.service(), "/v1/payments/confirm", &body, "k").await;
    assert_repeats(&first, &again);
    // The problem names the request that was refused; the header names the one that asked again.
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    assert_eq!(again.body["requestId"], first.header("x-request-id"));
}

async fn a_refusal_by_the_rules_is_repeated_although_it_would_be_granted_by_now(world: &World) {
    let plan = world.basic().await;
    let activate = async |active: bool| {
        let body = json!({"isActive": active});
        world.admin().patch(&format!("/v1/plans/{plan}"), body).await.expect(200);
    };
    activate(false).await;
    let body = json!({"planId": plan, "userId": "u1"});
    let inactive = post(&world.service(), "/v1/temp-orders", &body, "k").await;
    inactive.expect_problem(409, "PLAN_INACTIVE");
    activate(true).await;
    assert_repeats(&inactive, &post(&world.service(), "/v1/temp-orders", &body, "k").await);
    post(&world.service(), "/v1/temp-orders", &body, "l").await.expect(201);

    let order = world.buy("u1", &plan).await;
    let body = json!({"cancelReason": "변심", "cancelAmount": 10_000});
    let much = post(&world.service(), &cancel_of(&order), &body, "m").await;
    much.expect_problem(409, "REFUND_EXCEEDS_BALANCE");
    assert_repeats(&much, &post(&world.service(), &cancel_of(&order), &body, "m").await);

    let quoted = world.order("u1", &plan).await;
    let cheap = json!({"paymentKey": "k", "orderId": quoted.order_id, "amount": 1});
    let mismatch = post(&world.service(), "/v1/payments/confirm", &cheap, "n").await;
    mismatch.expect_problem(400, "AMOUNT_MISMATCH");
    assert_repeats(&mismatch, &post(&world.service(), "/v1/payments/confirm", &cheap, "n").await);
    assert_eq!(world.confirms_received(&quoted), 0);
}

async fn a_refusal_of_the_request_itself_is_not_kept(world: &World) {
    let (service, good) = (world.service(), json!({"planId": world.basic().await, "userId": "u1"}));
    let bad = json!({"planId": "none", "userId": "u1"});
    post(&service, "/v1/temp-orders", &bad, "k").await.expect_problem(400, "INVALID_REQUEST");
    let text = |key| {
        let request = service.request("POST", "/v1/temp-orders").header("idempotency-key", key);
        request.header("content-type", "text/plain").body(good.to_string())
    };
    send(text("k")).await.expect_problem(415, "UNSUPPORTED_MEDIA_TYPE");
    let large = json!({"planId": " ".repeat(70_000)});
    post(&service, "/v1/temp-orders", &large, "k").await.expect_problem(413, "PAYLOAD_TOO_LARGE");
    let picky = send(text("k").header("accept", "image/png")).await;
    picky.expect_problem(406, "NOT_ACCEPTABLE");
    assert!(keys(world).await.is_empty());
    // Once it has been mended, the same key serves.
    let first = post(&service, "/v1/temp-orders", &good, "k").await;
    first.expect(201);
    assert!(!replayed(&first));
    // A code that is taken is a fault of a field, too.
    let plan = json!({"code": "BASIC", "name": "x", "type": "BASIC", "price": 9_900, "intervalMonths": 1});
    post(&world.admin(), "/v1/plans", &plan, "k").await.expect_field("code");
    let plan = json!({"code": "OTHER", "name": "x", "type": "BASIC", "price": 9_900, "intervalMonths": 1});
    post(&world.admin(), "/v1/plans", &plan, "k").await.expect(201);
}

async fn a_caller_who_was_not_allowed_leaves_the_key_free(world: &World) {
    let (plan, job) = (world.basic().await, "/v1/jobs/purge-temp-orders/run");
    let body = json!({"planId": plan, "userId": "u1"});
    for stranger in [world.stranger(), world.stranger().with_token(Some("garbage"))] {
        let reply = post(&stranger, "/v1/temp-orders", &body, "k").await;
        reply.expect_problem(401, "UNAUTHENTICATED");
        // Not even a key that could never be one is looked at.
        post(&stranger, "/v1/temp-orders", &body, &"k".repeat(256))
            .await
            .expect_problem(401, "UNAUTHENTICATED");
    }
    post(&world.user("u2"), "/v1/temp-orders", &body, "k").await.expect_problem(403, "FORBIDDEN");
    post(&world.service(), job, &json!({}), "k").await.expect_problem(403, "FORBIDDEN");
    assert!(keys(world).await.is_empty());
}

async fn an_error_of_ours_is_not_kept(world: &World) {
    let body = json!({"planId": world.basic().await, "userId": "u1"});
    let db = world.app.db.read();
    db.execute_unprepared("ALTER TABLE plan RENAME TO plan_elsewhere").await.expect("renamed");
    post(&world.service(), "/v1/temp-orders", &body, "k").await.expect_problem(500, "INTERNAL");
    db.execute_unprepared("ALTER TABLE plan_elsewhere RENAME TO plan").await.expect("renamed back");
    assert!(keys(world).await.is_empty());
    let first = post(&world.service(), "/v1/temp-orders", &body, "k").await;
    first.expect(201);
    assert!(!replayed(&first));
}

async fn a_job_that_ran_already_is_asked_again_under_the_same_key(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let key = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropBefore));
    world.confirm(&order, &key).await.expect(202);
    world.advance(chrono::Duration::seconds(5));
    // The job hangs on Toss's answer to its look-up.
    let held = Fault::new(Operation::Get, FaultKind::Delay).delay(std::time::Duration::from_secs(600));
    world.toss.inject(held);
    let admin = world.admin();
    let running = tokio::spawn(async move { admin.post("/v1/jobs/settle-payments/run", json!({})).await });
    crate::support::process::eventually("the job asks", async || {
        (world.calls_received(Operation::Get) > 0).then_some(())
    })
    .await;
    let job = "/v1/jobs/settle-payments/run";
    post(&world.admin(), job, &json!({}), "k").await.expect_problem(409, "JOB_RUNNING");
    assert!(keys(world).await.is_empty());
    world.toss.clear_faults();
    running.await.expect("not cut off").expect(200);
    let first = post(&world.admin(), job, &json!({}), "k").await;
    first.expect(200);
    assert!(!replayed(&first));
    assert_repeats(&first, &post(&world.admin(), job, &json!({}), "k").await);
}

//! Confirmations that never reached Toss, that Toss refused because of us, that somebody else made, or that came too
//! late.

use chrono::Duration;
use serde_json::json;
use toss_sandbox::{Fault, FaultKind, Operation};

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    what_could_not_be_sent_is_sent_later,
    a_claim_whose_process_is_lost_is_finished_by_another,
    a_wrong_key_of_ours_is_503_and_the_payment_survives_it,
    what_was_confirmed_behind_our_back_is_found_by_asking,
    a_window_that_closed_unused_ends_the_payment_without_a_charge,
    a_payment_that_toss_never_knew_is_given_up_only_after_the_window,
    an_approval_is_found_however_late_we_ask,
    an_order_that_toss_does_not_tell_about_is_not_given_up,
];

/// An address at which nobody listens.
fn closed_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

async fn what_could_not_be_sent_is_sent_later(world: &World) {
    let (_app, cut_off) = world.second_service_with(&[("GUDOK__TOSS__BASE_URL", &closed_port())]).await;
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let reply = cut_off.post("/v1/payments/confirm", order.confirmation(&key)).await;
    assert_eq!(reply.expect(202)["payment"]["status"], "IN_PROGRESS");
    assert_eq!(world.toss.received(), []);
    assert_eq!(world.settle().await, 1);
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert_eq!(world.confirms_received(&order), 1);
}

async fn a_claim_whose_process_is_lost_is_finished_by_another(world: &World) {
    // It takes connections and never says a word, so that the service behind it hangs as if it were dead.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", silent.local_addr().expect("an address"));
    let settings = [("GUDOK__TOSS__BASE_URL", address.as_str()), ("GUDOK__SERVER__ANSWER_WITHIN_MS", "50")];
    let (app, lost) = world.second_service_with(&settings).await;
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let reply = lost.post("/v1/payments/confirm", order.confirmation(&key)).await;
    assert_eq!(reply.expect(202)["payment"]["status"], "IN_PROGRESS");
    // As long as its request may still be running nobody else touches it.
    assert_eq!(world.settle().await, 0);
    assert_eq!(world.toss.received(), []);
    world.advance(Duration::minutes(2));
    assert_eq!(world.run_job("settle-payments").await, 1);
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert_eq!(world.confirms_received(&order), 1);
    let before = world.payment(&order).await;
    // Now its connection breaks, and what it makes of that must not undo anything.
    drop(silent);
    app.tasks.close();
    app.tasks.wait().await;
    assert_eq!(world.payment(&order).await, before);
}

async fn a_wrong_key_of_ours_is_503_and_the_payment_survives_it(world: &World) {
    let wrong = [("GUDOK__TOSS__SECRET_KEY", "test_gsk_of_another_shop_00000000")];
    let (app, misconfigured) = world.second_service_with(&wrong).await;
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let reply = misconfigured.post("/v1/payments/confirm", order.confirmation(&key)).await;
    reply.expect_problem(503, "PG_UNAVAILABLE");
    assert_eq!(world.payment(&order).await["status"], "IN_PROGRESS");
    // As long as the key is wrong nothing is decided, whoever asks.
    world.advance(Duration::seconds(5));
    assert_eq!(gudok::payments::settle_due(&app).await.unwrap(), 0);
    assert_eq!(world.payment(&order).await["status"], "IN_PROGRESS");
    assert_eq!(world.settle().await, 1);
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn what_was_confirmed_behind_our_back_is_found_by_asking(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let direct = reqwest::Client::new()
        .post(format!("{}/v1/payments/confirm", world.toss.url()))
        .basic_auth(world.toss.secret_key(), Some(""))
        .header("content-type", "application/json")
        .body(order.confirmation(&key).to_string())
        .send();
    assert_eq!(direct.await.expect("an answer").status(), 200);
    let reply = world.confirm(&order, &key).await;
    assert_eq!(reply.expect(200)["payment"]["status"], "DONE");
    assert_eq!(reply.body["subscription"]["isActive"], true);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn a_window_that_closed_unused_ends_the_payment_without_a_charge(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropBefore));
    world.confirm(&order, &key).await.expect(202);
    world.advance(Duration::minutes(11));
    world.run_job("settle-payments").await;
    world.settle().await;
    let payment = world.payment(&order).await;
    assert!(["ABORTED", "EXPIRED"].contains(&payment["status"].as_str().unwrap()), "{payment}");
    assert!(payment["failure"]["code"].is_string());
    assert_eq!(world.ledger_of(&order), (0, 0));
    assert_eq!(world.confirms_received(&order), 1, "an expired window needs no further try");
    world.confirm(&order, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    // The order itself lasts longer than the window.
    let other = world.authenticate(&order);
    world.confirm(&order, &other).await.expect(200);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn a_payment_that_toss_never_knew_is_given_up_only_after_the_window(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropBefore));
    world.confirm(&order, "tgen_that_nobody_issued").await.expect(202);
    // The first try may have worked out of our sight, so "not found" is not believed yet.
    for _ in 0..3 {
        world.advance(Duration::minutes(2));
        assert_eq!(world.run_job("settle-payments").await, 0);
        assert_eq!(world.payment(&order).await["status"], "IN_PROGRESS");
    }
    world.advance(Duration::minutes(11));
    assert_eq!(world.run_job("settle-payments").await, 0, "one look is not enough");
    world.advance(Duration::minutes(5));
    assert_eq!(world.run_job("settle-payments").await, 1);
    let payment = world.payment(&order).await;
    assert_eq!(payment["status"], "ABORTED");
    assert_eq!(payment["failure"]["code"], "NOT_FOUND_PAYMENT");
    assert_eq!(world.ledger_of(&order), (0, 0));
}

async fn an_approval_is_found_however_late_we_ask(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    world.confirm(&order, &key).await.expect(202);
    // As if every process had been down for a week.
    world.advance(Duration::days(7));
    assert_eq!(world.run_job("purge-temp-orders").await, 0);
    assert_eq!(world.run_job("settle-payments").await, 1);
    let payment = world.payment(&order).await;
    assert_eq!(payment["status"], "DONE");
    assert_eq!(world.subscription("u1").await["startDate"], payment["approvedAt"]);
    let gone = json!({"orderId": order.order_id, "code": "X", "message": "x"});
    assert_eq!(world.service().post("/v1/payments/fail", gone).await.expect(200)["status"], "DONE");
}

async fn an_order_that_toss_does_not_tell_about_is_not_given_up(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropBefore));
    world.confirm(&order, "tgen_that_nobody_issued").await.expect(202);
    // After the window Toss knows nothing of the key, but does not say what it knows of the order.
    for _ in 0..4 {
        world
            .toss
            .inject(Fault::new(Operation::Get, FaultKind::ErrorBefore).status(404).code("NOT_FOUND_PAYMENT"));
        world.toss.inject(Fault::new(Operation::Get, FaultKind::ErrorBefore));
        world.advance(Duration::hours(2));
        assert_eq!(world.run_job("settle-payments").await, 0);
        assert_eq!(world.payment(&order).await["status"], "IN_PROGRESS");
    }
    for _ in 0..2 {
        world.advance(Duration::hours(2));
        world.run_job("settle-payments").await;
    }
    assert_eq!(world.payment(&order).await["status"], "ABORTED");
    assert_eq!(world.ledger_of(&order), (0, 0));
}

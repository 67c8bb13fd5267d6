//! Confirmations that meet each other, slow answers, and clients that do not wait.

use std::time::Duration;

use futures_util::future::join_all;
use toss_sandbox::{Fault, FaultKind, Operation};

use crate::support::client::user_token;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    the_same_confirmation_twenty_times_at_once_charges_once,
    the_same_confirmation_on_two_services_charges_once,
    of_two_keys_for_one_order_at_once_one_is_charged,
    one_key_for_two_orders_at_once_pays_one_of_them,
    a_client_that_hangs_up_before_toss_decides_cancels_nothing,
    a_client_that_hangs_up_before_the_answer_comes_cancels_nothing,
    a_slow_toss_is_answered_with_202_and_finished_by_itself,
    settle_leaves_a_confirmation_alone_that_still_runs,
    settle_on_two_services_at_once_charges_once,
    an_answer_that_comes_after_the_refund_changes_nothing,
    a_late_claim_shows_nobody_elses_payment,
];

async fn the_same_confirmation_twenty_times_at_once_charges_once(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let calls = (0..20).map(|_| world.confirm(&order, &key));
    for reply in join_all(calls).await {
        assert!([200, 202].contains(&reply.status), "{}", reply.text);
    }
    assert_eq!(world.confirms_received(&order), 1);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn the_same_confirmation_on_two_services_charges_once(world: &World) {
    let (_app, other) = world.second_service().await;
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let (here, there) = (world.service(), other);
    let calls = (0..20).map(|n| {
        let client = if n % 2 == 0 { &here } else { &there };
        client.post("/v1/payments/confirm", order.confirmation(&key))
    });
    for reply in join_all(calls).await {
        assert!([200, 202].contains(&reply.status), "{}", reply.text);
    }
    assert_eq!(world.confirms_received(&order), 1);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
    assert_eq!(world.payment(&order).await["status"], "DONE");
}

async fn of_two_keys_for_one_order_at_once_one_is_charged(world: &World) {
    let (_app, other) = world.second_service().await;
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let keys = [world.authenticate(&order), world.authenticate(&order)];
    let [first, second] = keys.each_ref().map(|key| order.confirmation(key));
    let here = world.service();
    let (one, two) =
        tokio::join!(here.post("/v1/payments/confirm", first), other.post("/v1/payments/confirm", second),);
    let (winner, loser) = if one.status == 200 { (one, two) } else { (two, one) };
    winner.expect(200);
    loser.expect_problem(409, "PAYMENT_KEY_CONFLICT");
    assert_eq!(world.confirms_received(&order), 1);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn one_key_for_two_orders_at_once_pays_one_of_them(world: &World) {
    let plan = world.basic().await;
    let (order, wrong) = (world.order("u1", &plan).await, world.order("u2", &plan).await);
    let key = world.authenticate(&order);
    let (own, foreign) = tokio::join!(world.confirm(&order, &key), world.confirm(&wrong, &key));
    // Whoever claims the key first holds it; only its own order can be paid with it. Toss is asked about one at a time.
    let mut asked = 1;
    if own.status == 200 {
        asked += usize::from(foreign.status == 402);
        // The other one came while it was held, or had been refused by Toss before, which lets go of the key.
        let (status, code) =
            if foreign.status == 402 { (402, "PAYMENT_REJECTED") } else { (409, "PAYMENT_KEY_CONFLICT") };
        foreign.expect_problem(status, code);
        assert_eq!(world.ledger_of(&order), (1, 9_900));
    } else {
        own.expect_problem(409, "PAYMENT_KEY_CONFLICT");
        foreign.expect_problem(402, "PAYMENT_REJECTED");
    }
    assert_eq!(world.ledger_of(&wrong), (0, 0));
    assert_eq!(world.calls_received(Operation::Confirm), asked);
}

async fn a_client_that_hangs_up_before_toss_decides_cancels_nothing(world: &World) {
    hang_up_during(world, held().before()).await;
}

async fn a_client_that_hangs_up_before_the_answer_comes_cancels_nothing(world: &World) {
    hang_up_during(world, held()).await;
}

/// An answer that comes when the faults are cleared.
fn held() -> Fault {
    Fault::new(Operation::Confirm, FaultKind::Delay).delay(Duration::from_secs(600))
}

async fn hang_up_during(world: &World, fault: Fault) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(fault);
    let (client, body) = (world.service(), order.confirmation(&key));
    let waiting = tokio::spawn(async move { client.post("/v1/payments/confirm", body).await });
    confirm_arrived(world).await;
    waiting.abort();
    assert!(waiting.await.is_err_and(|ended| ended.is_cancelled()));
    assert_eq!(world.payment(&order).await["status"], "IN_PROGRESS");
    world.toss.clear_faults();
    world.await_status(&order, "DONE").await;
    assert_eq!(world.subscription("u1").await["isActive"], true);
    assert_eq!(world.confirms_received(&order), 1);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

/// Returns once Toss has been asked to confirm something.
async fn confirm_arrived(world: &World) {
    for _ in 0..1_000 {
        if world.calls_received(Operation::Confirm) > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("Toss was never asked");
}

async fn a_slow_toss_is_answered_with_202_and_finished_by_itself(world: &World) {
    let (_app, impatient) = world.second_service_with(&[("GUDOK__SERVER__ANSWER_WITHIN_MS", "50")]).await;
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(held().before());
    let reply = impatient.post("/v1/payments/confirm", order.confirmation(&key)).await;
    assert_eq!(reply.expect(202)["payment"]["status"], "IN_PROGRESS");
    assert!(!reply.header("retry-after").is_empty());
    // Asking again while it runs neither waits for it nor starts another.
    let reply = impatient.post("/v1/payments/confirm", order.confirmation(&key)).await;
    assert_eq!(reply.expect(202)["payment"]["status"], "IN_PROGRESS");
    confirm_arrived(world).await;
    world.toss.clear_faults();
    world.await_status(&order, "DONE").await;
    assert_eq!(world.confirms_received(&order), 1);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn settle_leaves_a_confirmation_alone_that_still_runs(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(held().before());
    let (client, body) = (world.service(), order.confirmation(&key));
    let waiting = tokio::spawn(async move { client.post("/v1/payments/confirm", body).await });
    confirm_arrived(world).await;
    assert_eq!(world.settle().await, 0);
    assert_eq!(world.toss.received().len(), 1);
    world.toss.clear_faults();
    assert_eq!(waiting.await.unwrap().expect(200)["payment"]["status"], "DONE");
}

async fn settle_on_two_services_at_once_charges_once(world: &World) {
    let (app, _client) = world.second_service().await;
    let plan = world.basic().await;
    let mut orders = Vec::new();
    for user in ["u1", "u2", "u3", "u4", "u5"] {
        let order = world.order(user, &plan).await;
        let key = world.authenticate(&order);
        world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropBefore));
        world.confirm(&order, &key).await.expect(202);
        orders.push(order);
    }
    world.advance(chrono::Duration::seconds(5));
    let (here, there) =
        tokio::join!(gudok::payments::settle_due(&world.app), gudok::payments::settle_due(&app));
    assert_eq!(here.unwrap() + there.unwrap(), 5);
    for order in &orders {
        assert_eq!(world.payment(order).await["status"], "DONE");
        // One that got lost, and one that came through.
        assert_eq!(world.confirms_received(order), 2);
        assert_eq!(world.ledger_of(order), (1, 9_900));
    }
}

async fn an_answer_that_comes_after_the_refund_changes_nothing(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(held());
    let (client, body) = (world.service(), order.confirmation(&key));
    let waiting = tokio::spawn(async move { client.post("/v1/payments/confirm", body).await });
    confirm_arrived(world).await;
    // So late that the process counts as lost, and another one finishes its work.
    world.advance(chrono::Duration::minutes(2));
    assert_eq!(world.run_job("settle-payments").await, 1);
    assert_eq!(world.payment(&order).await["status"], "DONE");
    world.refund(&order, None).await.expect(200);
    let refunded = world.payment(&order).await;
    world.toss.clear_faults();
    let late = waiting.await.unwrap();
    assert_eq!(late.expect(200)["payment"]["status"], "CANCELED");
    assert_eq!(world.payment(&order).await, refunded);
    assert_eq!(world.subscription("u1").await["status"], "CANCELED");
    assert_eq!(world.ledger_of(&order), (1, 0));
}

async fn a_late_claim_shows_nobody_elses_payment(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("victim", &plan).await;
    let key = world.payment(&order).await["paymentKey"].as_str().expect("a key").to_owned();
    // Answered before anything can have been checked.
    let hasty = [("GUDOK__SERVER__ANSWER_WITHIN_MS", "1"), ("GUDOK__RATES__USER__BUYING__PER_MINUTE", "0")];
    let (app, client) = world.second_service_with(&hasty).await;
    let thief = client.with_token(Some(&user_token("thief", &app.clock)));
    for _ in 0..20 {
        for key in [key.as_str(), "another-key"] {
            let reply = thief.post("/v1/payments/confirm", order.confirmation(key)).await;
            assert!([404, 503].contains(&reply.status), "{}", reply.text);
        }
    }
    app.stopping.cancel();
}

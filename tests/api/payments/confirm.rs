//! Confirming: charged once, recorded whole, whatever happens in between.

use chrono::Duration;
use toss_sandbox::{Fault, FaultKind, Operation};

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    an_approved_payment_gives_a_month,
    a_lost_answer_is_settled_by_asking,
    the_same_confirmation_twenty_times_at_once_charges_once,
];

async fn an_approved_payment_gives_a_month(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let reply = world.confirm(&order, &key).await;
    let body = reply.expect(200);
    assert_eq!(body["payment"]["status"], "DONE");
    assert_eq!(body["payment"]["balanceAmount"], 9_900);
    assert_eq!(body["subscription"]["isActive"], true);
    assert_eq!(body["subscription"]["periods"].as_array().map(Vec::len), Some(1));
    assert!(body["eventAmount"].is_null());
    world
        .service()
        .get(&format!("/v1/temp-orders/{}", order.order_id))
        .await
        .expect_problem(404, "ORDER_NOT_FOUND");
}

async fn a_lost_answer_is_settled_by_asking(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    let reply = world.confirm(&order, &key).await;
    assert_eq!(reply.expect(202)["payment"]["status"], "IN_PROGRESS");
    world.advance(Duration::seconds(5));
    assert_eq!(world.run_job("settle-payments").await, 1);
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert_eq!(world.confirms_received(&order), 1);
}

async fn the_same_confirmation_twenty_times_at_once_charges_once(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let calls = (0..20).map(|_| world.confirm(&order, &key));
    for reply in futures_util::future::join_all(calls).await {
        assert!([200, 202].contains(&reply.status), "{}", reply.text);
    }
    assert_eq!(world.confirms_received(&order), 1);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

//! Too many requests at once: refused at once, in the usual shape, and those that watch are still answered.

use std::time::Duration;

use gudok::app::App;
use toss_sandbox::{Fault, FaultKind, Operation};

use crate::support::client::{Client, Reply};
use crate::support::process::eventually;
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    beyond_the_limit_callers_are_told_to_come_back,
    work_that_goes_on_without_its_caller_holds_no_place,
];

/// A service with place for one request, and that one at Toss with the confirmation of the order.
struct Full {
    app: App,
    client: Client,
    order: Order,
    confirming: tokio::task::JoinHandle<Reply>,
}

/// Such a service, which answers within so many milliseconds.
async fn full(world: &World, answer_within: &str) -> Full {
    let settings =
        [("GUDOK__SERVER__MAX_IN_FLIGHT", "1"), ("GUDOK__SERVER__ANSWER_WITHIN_MS", answer_within)];
    let (app, client) = world.second_service_with(&settings).await;
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    let held = Fault::new(Operation::Confirm, FaultKind::Delay).delay(Duration::from_secs(600));
    world.toss.inject(held.before());
    let (caller, body) = (client.clone(), order.confirmation(&key));
    let confirming = tokio::spawn(async move { caller.post("/v1/payments/confirm", body).await });
    while world.confirms_received(&order) == 0 {
        tokio::task::yield_now().await;
    }
    Full { app, client, order, confirming }
}

async fn beyond_the_limit_callers_are_told_to_come_back(world: &World) {
    let full = full(world, "60000").await;
    for path in ["/v1/plans", "/v1/payments", "/v1/no-such-path", "/docs"] {
        let reply = full.client.get(path).await;
        reply.expect_problem(503, "OVERLOADED");
        assert_eq!(reply.header("retry-after"), "1");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        full.client.get(path).await.expect(200);
    }
    let metrics = full.client.get("/metrics").await.text;
    assert!(metrics.contains("\ngudok_http_requests_overloaded_total 4\n"), "{metrics}");
    // The other service has its own places.
    world.admin().get("/v1/plans").await.expect(200);
    world.toss.clear_faults();
    full.confirming.await.expect("not cut off").expect(200);
    full.client.get("/v1/plans").await.expect(200);
}

async fn work_that_goes_on_without_its_caller_holds_no_place(world: &World) {
    let full = full(world, "2000").await;
    full.client.get("/v1/plans").await.expect_problem(503, "OVERLOADED");
    full.confirming.abort();
    assert!(full.confirming.await.is_err_and(|ended| ended.is_cancelled()));
    eventually("there is place", async || (full.client.get("/v1/plans").await.status == 200).then_some(()))
        .await;
    let metrics = full.client.get("/metrics").await.text;
    assert!(metrics.contains("\ngudok_http_requests_in_flight 1\n"), "only this one: {metrics}");
    // Toss is still asked.
    assert_eq!(full.app.tasks.len(), 1);
    assert_eq!(world.payment(&full.order).await["status"], "IN_PROGRESS");
    world.toss.clear_faults();
    world.await_status(&full.order, "DONE").await;
    assert_eq!(world.ledger_of(&full.order), (1, 9_900));
}

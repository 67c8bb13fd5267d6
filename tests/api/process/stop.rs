//! Stopping: SIGTERM cuts nothing off.

use std::time::Duration;

use toss_sandbox::{Fault, FaultKind, Operation};

use crate::support::client::SERVICE_KEY;
use crate::support::process::{Serving, eventually};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_confirmation_under_way_is_finished_before_the_process_ends,
    a_killed_process_loses_no_payment,
    an_idle_process_ends_when_asked,
];

async fn a_confirmation_under_way_is_finished_before_the_process_ends(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let key = world.authenticate(&order);
    let mut serving = Serving::start(&world.variables).await;
    let client = serving.client(Some(SERVICE_KEY));
    let fault = Fault::new(Operation::Confirm, FaultKind::Delay).delay(Duration::from_secs(600));
    world.toss.inject(fault.before());
    let confirmation = {
        let (client, body) = (client.clone(), order.confirmation(&key));
        tokio::spawn(async move { client.post("/v1/payments/confirm", body).await })
    };
    eventually("Toss is asked", async || (world.confirms_received(&order) == 1).then_some(())).await;
    serving.terminate();
    eventually("it takes no more work", async || match client.request("GET", "/readyz").send().await {
        Ok(answer) => (answer.status() == 503).then_some(()),
        Err(refused) => refused.is_connect().then_some(()),
    })
    .await;
    assert!(!confirmation.is_finished(), "it was cut off");
    world.toss.clear_faults();
    let reply = confirmation.await.expect("not cut off");
    assert_eq!(reply.expect(200)["payment"]["status"], "DONE");
    assert_eq!(serving.ended().await, Some(0), "{}", serving.said());
    assert!(serving.lines().iter().any(|line| line["message"] == "stopped"), "{}", serving.said());
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert_eq!(world.subscription("u1").await["isActive"], true);
    assert_eq!((world.confirms_received(&order), world.ledger_of(&order)), (1, (1, 9_900)));
}

async fn an_idle_process_ends_when_asked(world: &World) {
    let mut variables = world.variables.clone();
    // With its jobs, which must end too.
    variables.insert("GUDOK__SCHEDULER__ENABLED".to_owned(), "true".to_owned());
    let mut serving = Serving::start(&variables).await;
    // A connection that a client keeps open must not keep the process.
    let client = serving.client(None);
    client.get("/readyz").await.expect(200);
    serving.terminate();
    assert_eq!(serving.ended().await, Some(0), "{}", serving.said());
    client.request("GET", "/readyz").send().await.expect_err("nobody listens");
}

async fn a_killed_process_loses_no_payment(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let key = world.authenticate(&order);
    let mut serving = Serving::start(&world.variables).await;
    // Toss takes the money, and nobody lives to hear of it.
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::Delay).delay(Duration::from_secs(600)));
    let request = serving.client(Some(SERVICE_KEY)).request("POST", "/v1/payments/confirm");
    let request =
        request.header("content-type", "application/json").body(order.confirmation(&key).to_string());
    let confirmation = tokio::spawn(request.send());
    eventually("Toss takes the money", async || (world.ledger_of(&order).0 == 1).then_some(())).await;
    serving.kill();
    assert_eq!(serving.ended().await, None, "it ended by itself");
    confirmation.await.expect("not cut off").expect_err("nobody answers");
    world.toss.clear_faults();
    assert_eq!(world.payment(&order).await["status"], "IN_PROGRESS");
    // The dead process is believed alive for as long as its request to Toss could have taken.
    world.advance(chrono::Duration::minutes(2));
    assert_eq!(world.run_job("settle-payments").await, 1);
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert_eq!(world.subscription("u1").await["isActive"], true);
    assert_eq!((world.confirms_received(&order), world.ledger_of(&order)), (1, (1, 9_900)));
}

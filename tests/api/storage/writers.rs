//! Many writers at once, in several services on one database: some wait, none meets an error.

use std::collections::HashSet;

use serde_json::json;

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    forty_quotes_at_once_by_two_services_never_meet_an_error,
    forty_purchases_at_once_by_two_services_never_meet_an_error,
];

async fn forty_quotes_at_once_by_two_services_never_meet_an_error(world: &World) {
    let plan = world.basic().await;
    let (second, client) = world.second_service().await;
    let clients = [world.service(), client];
    let calls = (0..40).map(|number| {
        let body = json!({"planId": plan, "userId": format!("u{}", number % 5)});
        clients[number % 2].post("/v1/temp-orders", body)
    });
    let mut ids = HashSet::new();
    let mut customers = HashSet::new();
    for reply in futures_util::future::join_all(calls).await {
        let body = reply.expect(201);
        ids.insert(body["orderId"].as_str().expect("an order id").to_owned());
        customers.insert((body["userId"].to_string(), body["customerKey"].to_string()));
    }
    assert_eq!((ids.len(), customers.len()), (40, 5), "each order its own id, each user one key");
    second.stopping.cancel();
}

async fn forty_purchases_at_once_by_two_services_never_meet_an_error(world: &World) {
    let (basic, event) = (world.basic().await, world.event().await);
    let (second, client) = world.second_service().await;
    let clients = [world.service(), client];
    let mut orders = Vec::new();
    for number in 0..40 {
        let plan = if number % 4 == 0 { &event } else { &basic };
        let order = world.order(&format!("u{}", number % 8), plan).await;
        orders.push((world.authenticate(&order), order));
    }
    let calls = orders.iter().enumerate().map(|(number, (key, order))| {
        clients[number % 2].post("/v1/payments/confirm", order.confirmation(key))
    });
    for reply in futures_util::future::join_all(calls).await {
        assert_eq!(reply.expect(200)["payment"]["status"], "DONE");
    }
    assert_eq!(world.event_total().await, 10 * 5_000);
    second.stopping.cancel();
}

//! Refunds that Toss neither does nor excludes for a long time: never given up, never done twice.

use chrono::Duration;
use serde_json::Value;
use toss_sandbox::{Fault, FaultKind, Operation};

use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    a_refund_that_toss_is_still_at_work_on_is_never_given_up,
    a_refund_that_meets_the_same_500_again_and_again_gets_a_new_key,
];

/// Longer than the ladder's longest step.
const ANY_STEP: Duration = Duration::hours(8);

async fn standing(world: &World, order: &Order) -> Value {
    let reply = world.admin().get(&format!("/v1/refunds?orderId={}", order.order_id)).await;
    reply.expect(200)["items"][0]["status"].clone()
}

async fn a_refund_that_toss_is_still_at_work_on_is_never_given_up(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let busy = Fault::new(Operation::Cancel, FaultKind::ErrorBefore);
    world.toss.inject(busy.status(409).code("IDEMPOTENT_REQUEST_PROCESSING").times(12));
    assert_eq!(world.refund(&order, None).await.expect(202)["refund"]["status"], "PENDING");
    for _ in 1..12 {
        world.advance(ANY_STEP);
        assert_eq!(world.run_job("settle-payments").await, 0);
        assert_eq!(standing(world, &order).await, "PENDING");
    }
    world.advance(ANY_STEP);
    assert_eq!(world.run_job("settle-payments").await, 1);
    assert_eq!(standing(world, &order).await, "DONE");
    assert_eq!(world.ledger_of(&order), (1, 0));
    let cancels = world.toss.received().into_iter().filter(|call| call.operation == Operation::Cancel);
    let mut keys: Vec<_> = cancels.map(|call| call.idempotency_key).collect();
    keys.dedup();
    assert_eq!(keys.len(), 1, "the same request was sent again and again, never a second one");
}

async fn a_refund_that_meets_the_same_500_again_and_again_gets_a_new_key(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    // Nobody knows whether Toss repeats a 500 to the same key; if it does, only another key gets through.
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::ErrorBefore).times(4));
    world.refund(&order, None).await.expect(202);
    for _ in 0..4 {
        world.advance(ANY_STEP);
        world.run_job("settle-payments").await;
    }
    assert_eq!(standing(world, &order).await, "DONE");
    assert_eq!(world.ledger_of(&order), (1, 0));
    let cancels = world.toss.received().into_iter().filter(|call| call.operation == Operation::Cancel);
    let keys: Vec<_> = cancels.map(|call| call.idempotency_key).collect();
    assert_eq!(keys.len(), 5);
    assert!(keys[..4].iter().all(|key| key == &keys[0]), "a single 500 must not change the key: {keys:?}");
    assert_ne!(keys[4], keys[0]);
}

//! Refunds that meet each other, and purchases: the money goes back once, and never more than was paid.

use futures_util::future::join_all;
use toss_sandbox::{LedgerKind, Operation};

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    ten_refunds_at_once_return_the_money_once,
    partial_refunds_at_once_never_exceed_the_balance,
    refunds_on_two_services_at_once_return_the_money_once,
    a_refund_and_an_extension_at_once_keep_what_was_paid_for,
];

async fn ten_refunds_at_once_return_the_money_once(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let replies = join_all((0..10).map(|_| world.refund(&order, None))).await;
    let done = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(done, 1);
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        let known = ["REQUEST_IN_PROGRESS", "ALREADY_REFUNDED"].contains(&reply.code());
        assert!(reply.status == 409 && known, "{}", reply.text);
    }
    assert_eq!(world.calls_received(Operation::Cancel), 1);
    assert_eq!(world.ledger_of(&order), (1, 0));
}

async fn partial_refunds_at_once_never_exceed_the_balance(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let replies = join_all((0..10).map(|_| world.refund(&order, Some(4_000)))).await;
    let done = replies.iter().filter(|reply| reply.status == 200).count();
    assert!((1..=2).contains(&done), "{done} times 4,000 of 9,900");
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        let known = ["REQUEST_IN_PROGRESS", "REFUND_EXCEEDS_BALANCE"].contains(&reply.code());
        assert!(reply.status == 409 && known, "{}", reply.text);
    }
    let left = 9_900 - 4_000 * i64::try_from(done).unwrap();
    assert_eq!(world.ledger_of(&order), (1, left));
    assert_eq!(world.payment(&order).await["balanceAmount"], left);
}

async fn refunds_on_two_services_at_once_return_the_money_once(world: &World) {
    let (_app, there) = world.second_service().await;
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let (here, path) = (world.service(), format!("/v1/payments/{}/cancel", order.order_id));
    let body = serde_json::json!({"cancelReason": "변심"});
    let calls = (0..10).map(|n| {
        let client = if n % 2 == 0 { &here } else { &there };
        client.post(&path, body.clone())
    });
    let replies = join_all(calls).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    assert!(replies.iter().all(|reply| [200, 409].contains(&reply.status)));
    let cancels = world.toss.ledger().into_iter().filter(|entry| entry.kind == LedgerKind::Cancel).count();
    assert_eq!(cancels, 1);
    assert_eq!(world.ledger_of(&order), (1, 0));
}

async fn a_refund_and_an_extension_at_once_keep_what_was_paid_for(world: &World) {
    let plan = world.basic().await;
    for user in ["u1", "u2", "u3"] {
        let first = world.buy(user, &plan).await;
        let second = world.order(user, &plan).await;
        let key = world.authenticate(&second);
        let (refunded, bought) = tokio::join!(world.refund(&first, None), world.confirm(&second, &key));
        refunded.expect(200);
        bought.expect(200);
        let subscription = world.subscription(user).await;
        assert_eq!(subscription["isActive"], true);
        let periods = subscription["periods"].as_array().expect("periods");
        assert_eq!(periods.len(), 1);
        assert_eq!(periods[0]["orderId"], second.order_id);
        assert_eq!(periods[0]["startsAt"], world.payment(&second).await["approvedAt"]);
    }
}

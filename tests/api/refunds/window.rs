//! How long money can go back: to the second, from the approval.

use chrono::Duration;
use gudok::audit::Actor;
use gudok::refunds::{RequestError, RequestRefund};

use crate::support::scenario::scenarios;
use crate::support::world::{Order, World, instant};

scenarios![
    the_last_second_of_the_window_is_inside,
    the_next_second_is_outside,
    the_window_counts_from_the_approval_and_not_from_the_quote,
    the_window_of_the_last_part_is_that_of_the_payment,
];

fn wish(order: &Order) -> RequestRefund {
    RequestRefund {
        owner: None,
        order_id: order.order_id.parse().expect("an id"),
        reason: "변심".to_owned(),
        amount: None,
        believed_balance: None,
        receive_account: None,
        claim: None,
        actor: Actor::system(),
    }
}

async fn the_last_second_of_the_window_is_inside(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let closes = instant(&world.payment(&order).await["approvedAt"]) + Duration::days(3);
    // A clock that runs cannot be caught at an exact instant, so the operation is given one.
    let last = closes + Duration::seconds(1) - Duration::microseconds(1);
    world.advance_to(last - Duration::seconds(30));
    let refunded = gudok::refunds::request(&world.app, wish(&order), last).await;
    assert!(refunded.is_ok(), "{refunded:?}");
    assert_eq!(world.ledger_of(&order), (1, 0));
}

async fn the_next_second_is_outside(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let closes = instant(&world.payment(&order).await["approvedAt"]) + Duration::days(3);
    let late = closes + Duration::seconds(1);
    let refused = gudok::refunds::request(&world.app, wish(&order), late).await;
    assert!(matches!(refused, Err(RequestError::WindowClosed)), "{refused:?}");
    world.advance_to(late);
    world.refund(&order, None).await.expect_problem(409, "REFUND_WINDOW_CLOSED");
    world.refund(&order, Some(1)).await.expect_problem(409, "REFUND_WINDOW_CLOSED");
    assert_eq!(world.ledger_of(&order), (1, 9_900));
    assert_eq!(world.subscription("u1").await["isActive"], true);
}

async fn the_window_counts_from_the_approval_and_not_from_the_quote(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    world.advance(Duration::minutes(25));
    let key = world.authenticate(&order);
    world.confirm(&order, &key).await.expect(200);
    world.advance(Duration::days(3) - Duration::minutes(10));
    world.refund(&order, None).await.expect(200);
}

async fn the_window_of_the_last_part_is_that_of_the_payment(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    world.advance(Duration::days(2));
    world.refund(&order, Some(1_000)).await.expect(200);
    world.advance(Duration::days(2));
    world.refund(&order, None).await.expect_problem(409, "REFUND_WINDOW_CLOSED");
    assert_eq!(world.ledger_of(&order), (1, 8_900));
}

//! How offers to Toss end: by method, by code, and those that have not ended.

use chrono::Duration;
use gudok::figures::{Decline, Stage};
use serde_json::json;
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, PayMethod};

use super::{late_in_the_evening, since};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    declines_are_counted_by_code_and_beside_approvals,
    a_window_that_failed_and_an_account_that_was_closed_are_no_declines,
    an_outcome_that_is_not_known_is_only_open,
    a_quiet_day_has_no_rate,
];

const LOST: &str = "4000000000000005";

async fn declines_are_counted_by_code_and_beside_approvals(world: &World) {
    let plan = world.basic().await;
    let first = late_in_the_evening(world);
    let order = world.order("u1", &plan).await;
    for _ in 0..2 {
        let buyer = Authenticate::new(order.order_id.clone(), order.amount).card(LOST);
        let key = world.authenticate_with(buyer);
        world.confirm(&order, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    }
    world.advance(Duration::minutes(20));
    let key = world.authenticate(&order);
    world.confirm(&order, &key).await.expect(200);
    let method = world.payment(&order).await["paymentMethod"].as_str().map(str::to_owned);
    let outcomes = since(world, first).await.outcomes;
    assert_eq!((outcomes.attempts, outcomes.approved, outcomes.declined), (3, 1, 2));
    assert_eq!(outcomes.approved_per_mille, Some(333));
    let code = "INVALID_CARD_LOST_OR_STOLEN".to_owned();
    assert_eq!(outcomes.declines, [Decline { stage: Stage::Confirm, code, number: 2 }]);
    let methods: Vec<_> =
        outcomes.methods.into_iter().map(|found| (found.method, found.approved, found.declined)).collect();
    assert_eq!(methods, [(method, 1, 2)]);
    // The declines were on the day before.
    let today = since(world, first + Duration::days(1)).await.outcomes;
    assert_eq!((today.attempts, today.approved_per_mille), (1, Some(1_000)));
}

async fn a_window_that_failed_and_an_account_that_was_closed_are_no_declines(world: &World) {
    let plan = world.basic().await;
    let first = late_in_the_evening(world);
    let closed = world.order("u1", &plan).await;
    let body = json!({"orderId": closed.order_id, "code": "PAY_PROCESS_CANCELED", "message": "취소"});
    world.service().post("/v1/payments/fail", body).await.expect(200);
    let order = world.order("u2", &plan).await;
    let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    world.confirm(&order, &key).await.expect(200);
    assert_eq!(since(world, first).await.open.deposits, 1);
    world.toss.console_cancel(&key, None, "입금 전 취소").expect("cancelled");
    world.advance(Duration::hours(2));
    world.run_job("settle-payments").await;
    assert_eq!(world.payment(&order).await["status"], "CANCELED");
    let outcomes = since(world, first).await.outcomes;
    assert_eq!((outcomes.attempts, outcomes.approved_per_mille), (0, None));
    assert_eq!(since(world, first).await.open.deposits, 0);
    let mut stages: Vec<_> =
        outcomes.declines.iter().map(|decline| (decline.stage, decline.number)).collect();
    stages.sort();
    assert_eq!(stages, [(Stage::Window, 1), (Stage::Deposit, 1)]);
    assert!(outcomes.methods.is_empty());
}

async fn an_outcome_that_is_not_known_is_only_open(world: &World) {
    let plan = world.basic().await;
    let first = late_in_the_evening(world);
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    world.confirm(&order, &key).await.expect(202);
    let figures = since(world, first).await;
    assert_eq!((figures.open.payments, figures.outcomes.attempts, figures.revenue.total.gross), (1, 0, 0));
    assert_eq!(world.settle().await, 1);
    let figures = since(world, first).await;
    assert_eq!(
        (figures.open.payments, figures.outcomes.approved, figures.revenue.total.gross),
        (0, 1, 9_900)
    );
}

async fn a_quiet_day_has_no_rate(world: &World) {
    let first = late_in_the_evening(world);
    let outcomes = since(world, first).await.outcomes;
    assert_eq!((outcomes.attempts, outcomes.approved_per_mille), (0, None));
    assert!(outcomes.methods.is_empty() && outcomes.declines.is_empty());
}

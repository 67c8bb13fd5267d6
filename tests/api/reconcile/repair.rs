//! Differences that a look at the payment itself repairs: counted, caused by the comparison, and gone the next time.

use chrono::Duration;
use entity::payment_event::{self, Cause};
use gudok::findings::Kind;
use gudok::reconcile::Outcome;
use sea_orm::{EntityTrait, QueryOrder};
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, PayMethod};

use super::{buyer, compared, findings};
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    a_lost_confirmation_is_repaired,
    a_lost_cancel_is_repaired,
    what_staff_cancelled_is_entered,
    an_approval_behind_a_false_no_is_booked,
    an_earlier_attempt_that_worked_is_booked,
    a_deposit_nobody_told_us_of_is_booked,
    a_reversed_deposit_leaves_the_books,
];

/// Compares: this one difference must be found and repaired, and the next comparison must find nothing.
async fn repaired(world: &World, order: &Order, kind: Kind, sides: (&str, &str)) {
    let report = compared(world).await;
    assert_eq!((report.repaired, report.open), (1, 0), "{report:?}");
    let [difference] = report.differences.as_slice() else { panic!("{report:?}") };
    assert_eq!((&difference.order_id, difference.kind), (&order.order_id, kind), "{difference:?}");
    assert_eq!((difference.ours.as_deref(), difference.theirs.as_deref()), (Some(sides.0), Some(sides.1)));
    assert_eq!(difference.outcome, Outcome::Repaired);
    let last = payment_event::Entity::find().order_by_desc(payment_event::Column::Id);
    let last = last.one(world.app.db.read()).await.expect("moves").expect("a move");
    assert_eq!((last.order_id.as_str(), last.cause), (order.order_id.as_str(), Cause::Reconcile));
    let again = compared(world).await;
    assert_eq!((again.compared, again.repaired, again.open), (again.matched, 0, 0), "{again:?}");
    assert!(findings(world).await.is_empty(), "nobody needs to look");
}

async fn a_lost_confirmation_is_repaired(world: &World) {
    let plan = world.basic().await;
    buyer(world, &plan).await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    world.confirm(&order, &key).await.expect(202);
    repaired(world, &order, Kind::StateDiffers, ("IN_PROGRESS 0/9900", "DONE 9900/9900")).await;
    assert_eq!(world.subscription("u1").await["isActive"], true);
    assert_eq!(world.confirms_received(&order), 1);
}

async fn a_lost_cancel_is_repaired(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropAfter));
    assert_eq!(world.refund(&order, None).await.expect(202)["refund"]["status"], "PENDING");
    repaired(world, &order, Kind::AmountDiffers, ("DONE 9900/9900", "CANCELED 0/9900")).await;
    assert_eq!(world.subscription("u1").await["status"], "CANCELED");
}

async fn what_staff_cancelled_is_entered(world: &World) {
    let order = world.buy("u1", &world.event().await).await;
    let key = world.payment(&order).await["paymentKey"].as_str().expect("a key").to_owned();
    world.toss.console_cancel(&key, Some(2_000), "고객 요청").expect("cancelled");
    repaired(world, &order, Kind::AmountDiffers, ("DONE 5000/5000", "PARTIAL_CANCELED 3000/5000")).await;
    let refunds = world.admin().get(&format!("/v1/refunds?orderId={}", order.order_id)).await;
    let refund = refunds.expect(200)["items"][0].clone();
    assert_eq!((&refund["amount"], &refund["status"]), (&2_000.into(), &"DONE".into()));
    assert_eq!(refund["reason"], "고객 요청");
    assert_eq!(world.event_total().await, 3_000);
}

/// Toss takes the money and says that it did not.
async fn false_no(world: &World, order: &Order) -> String {
    let key = world.authenticate(order);
    world.toss_denies_an_approval();
    world.confirm(order, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    key
}

async fn an_approval_behind_a_false_no_is_booked(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    false_no(world, &order).await;
    repaired(world, &order, Kind::StateDiffers, ("ABORTED 0/9900", "DONE 9900/9900")).await;
    assert_eq!(world.subscription("u1").await["isActive"], true);
}

async fn an_earlier_attempt_that_worked_is_booked(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let first = false_no(world, &order).await;
    let second = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::ErrorBefore).code("REJECT_CARD_COMPANY"));
    world.confirm(&order, &second).await.expect_problem(402, "PAYMENT_REJECTED");
    repaired(world, &order, Kind::StateDiffers, ("ABORTED 0/9900", "DONE 9900/9900")).await;
    assert_eq!(world.payment(&order).await["paymentKey"], first.as_str());
}

/// An order for which an account was issued, and its payment key.
async fn account(world: &World) -> (Order, String) {
    let order = world.order("u1", &world.basic().await).await;
    let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    world.confirm(&order, &key).await.expect(200);
    (order, key)
}

async fn a_deposit_nobody_told_us_of_is_booked(world: &World) {
    let (order, key) = account(world).await;
    world.toss.deposit(&key).expect("paid");
    repaired(world, &order, Kind::StateDiffers, ("WAITING_FOR_DEPOSIT 0/9900", "DONE 9900/9900")).await;
    assert_eq!(world.subscription("u1").await["isActive"], true);
}

async fn a_reversed_deposit_leaves_the_books(world: &World) {
    let (order, key) = account(world).await;
    world.toss.deposit(&key).expect("paid");
    world.advance(Duration::hours(2));
    world.run_job("settle-payments").await;
    world.toss.reverse_deposit(&key).expect("reversed");
    repaired(world, &order, Kind::StateDiffers, ("DONE 9900/9900", "WAITING_FOR_DEPOSIT 0/9900")).await;
    assert_eq!(world.subscription("u1").await["isActive"], false);
}

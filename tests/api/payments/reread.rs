//! A payment read again from Toss: whatever it stands at here, Toss's word becomes state, and no word changes nothing.

use entity::payment::PaymentStatus;
use entity::payment_event::{self, Cause};
use entity::{OrderId, finding};
use gudok::payments::{Reread, reread};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, PayMethod};

use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    what_staff_cancelled_becomes_a_refund,
    an_approval_behind_a_false_no_is_booked,
    an_earlier_attempt_that_worked_is_found_by_the_order,
    a_lost_answer_is_found,
    a_reversed_deposit_leaves_the_books,
    reading_what_is_known_changes_nothing,
    what_toss_does_not_hold_changes_nothing,
    a_silent_toss_changes_nothing,
    a_wrong_key_of_ours_changes_nothing,
    what_cannot_be_applied_is_shown_to_people_until_it_can_be,
    an_order_that_nobody_knows_is_not_asked_about,
];

async fn read(world: &World, order: &Order) -> Reread {
    reread(&world.app, &id(order), Cause::Webhook).await.expect("the database answers")
}

fn id(order: &Order) -> OrderId {
    order.order_id.parse().expect("an order id")
}

/// The payment's last move: to what, and why.
async fn last_move(world: &World, order: &Order) -> (PaymentStatus, Cause) {
    let moves = payment_event::Entity::find()
        .filter(payment_event::Column::OrderId.eq(id(order)))
        .order_by_desc(payment_event::Column::Id);
    let last = moves.one(world.app.db.read()).await.expect("moves").expect("a move");
    (last.to_status, last.cause)
}

async fn moves(world: &World) -> usize {
    payment_event::Entity::find().all(world.app.db.read()).await.expect("moves").len()
}

/// The payment key of an order, as the API shows it.
async fn key_of(world: &World, order: &Order) -> String {
    world.payment(order).await["paymentKey"].as_str().expect("a key").to_owned()
}

async fn what_staff_cancelled_becomes_a_refund(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let key = key_of(world, &order).await;
    world.toss.console_cancel(&key, Some(4_000), "일부 취소").expect("cancelled");
    assert!(matches!(read(world, &order).await, Reread::Applied { .. }));
    let payment = world.payment(&order).await;
    assert_eq!((&payment["status"], &payment["balanceAmount"]), (&"PARTIAL_CANCELED".into(), &5_900.into()));
    assert_eq!(last_move(world, &order).await, (PaymentStatus::PartialCanceled, Cause::Webhook));
    world.toss.console_cancel(&key, None, "나머지 취소").expect("cancelled");
    assert!(matches!(read(world, &order).await, Reread::Applied { .. }));
    assert_eq!(world.payment(&order).await["balanceAmount"], 0);
    assert_eq!(world.subscription("u1").await["status"], "CANCELED");
    let refunds = world.admin().get(&format!("/v1/refunds?orderId={}", order.order_id)).await;
    let amounts: Vec<_> =
        refunds.expect(200)["items"].as_array().unwrap().iter().map(|row| row["amount"].clone()).collect();
    assert_eq!(amounts, [5_900, 4_000]);
}

async fn an_approval_behind_a_false_no_is_booked(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let key = world.authenticate(&order);
    world.toss_denies_an_approval();
    world.confirm(&order, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    assert_eq!(world.ledger_of(&order), (1, 9_900));
    let Reread::Applied { before, after, .. } = read(world, &order).await else { panic!("not applied") };
    assert_eq!((before.status, after.status), (PaymentStatus::Aborted, PaymentStatus::Done));
    assert_eq!(last_move(world, &order).await, (PaymentStatus::Done, Cause::Webhook));
    assert_eq!(world.subscription("u1").await["isActive"], true);
}

async fn an_earlier_attempt_that_worked_is_found_by_the_order(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let first = world.authenticate(&order);
    world.toss_denies_an_approval();
    world.confirm(&order, &first).await.expect_problem(402, "PAYMENT_REJECTED");
    let second = world.authenticate(&order);
    let no = Fault::new(Operation::Confirm, FaultKind::ErrorBefore).code("REJECT_CARD_COMPANY");
    world.toss.inject(no);
    world.confirm(&order, &second).await.expect_problem(402, "PAYMENT_REJECTED");
    assert_eq!(key_of(world, &order).await, second);
    assert!(matches!(read(world, &order).await, Reread::Applied { .. }));
    let payment = world.payment(&order).await;
    assert_eq!((&payment["status"], &payment["paymentKey"]), (&"DONE".into(), &first.into()));
}

async fn a_lost_answer_is_found(world: &World) {
    let order = world.order("u1", &world.event().await).await;
    let key = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    world.confirm(&order, &key).await.expect(202);
    assert!(matches!(read(world, &order).await, Reread::Applied { .. }));
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert_eq!(world.event_total().await, 5_000);
    assert_eq!(world.confirms_received(&order), 1, "it only asks");
}

async fn a_reversed_deposit_leaves_the_books(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    world.confirm(&order, &key).await.expect(200);
    world.toss.deposit(&key).expect("paid");
    read(world, &order).await;
    assert_eq!(world.payment(&order).await["status"], "DONE");
    world.toss.reverse_deposit(&key).expect("reversed");
    read(world, &order).await;
    let payment = world.payment(&order).await;
    assert_eq!((&payment["status"], &payment["balanceAmount"]), (&"WAITING_FOR_DEPOSIT".into(), &0.into()));
    assert_eq!(world.subscription("u1").await["isActive"], false);
}

async fn reading_what_is_known_changes_nothing(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    world.refund(&order, Some(900)).await.expect(200);
    let (payment, before) = (world.payment(&order).await, moves(world).await);
    for _ in 0..3 {
        assert!(matches!(read(world, &order).await, Reread::Applied { .. }));
    }
    assert_eq!((world.payment(&order).await, moves(world).await), (payment, before));
}

async fn what_toss_does_not_hold_changes_nothing(world: &World) {
    let order = world.order("u1", &world.basic().await).await;
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropBefore));
    world.confirm(&order, "a-key-that-toss-never-gave").await.expect(202);
    let payment = world.payment(&order).await;
    let told = read(world, &order).await;
    assert!(matches!(told, Reread::Nothing { .. }), "{told:?}");
    assert_eq!(world.payment(&order).await, payment, "what is under way is left to settle");
}

async fn a_silent_toss_changes_nothing(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let payment = world.payment(&order).await;
    for fault in [FaultKind::DropAfter, FaultKind::Html, FaultKind::TruncatedJson, FaultKind::RateLimited] {
        world.toss.inject(Fault::new(Operation::Get, fault));
        let told = read(world, &order).await;
        assert!(matches!(told, Reread::Untold { .. }), "{fault:?}: {told:?}");
    }
    world.toss.inject(Fault::new(Operation::Get, FaultKind::ErrorBefore));
    assert!(matches!(read(world, &order).await, Reread::Untold { .. }));
    assert_eq!(world.payment(&order).await, payment);
}

async fn a_wrong_key_of_ours_changes_nothing(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let payment = world.payment(&order).await;
    let wrong = [("GUDOK__TOSS__SECRET_KEY", "test_gsk_of_another_shop_0000000")];
    let (app, _client) = world.second_service_with(&wrong).await;
    let told = reread(&app, &id(&order), Cause::Webhook).await.expect("the database answers");
    assert!(matches!(told, Reread::Misconfigured(_)), "{told:?}");
    assert_eq!(world.payment(&order).await, payment);
}

async fn what_cannot_be_applied_is_shown_to_people_until_it_can_be(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let set_amount = async |amount: i64| {
        let sql = format!("UPDATE payment SET amount = {amount}, balance_amount = {amount}");
        world.app.db.read().execute_unprepared(&sql).await.expect("forged");
    };
    let finding = async || {
        finding::Entity::find().one(world.app.db.read()).await.expect("findings").expect("a finding")
    };
    set_amount(9_000).await;
    assert!(matches!(read(world, &order).await, Reread::Refused { .. }));
    let found = finding().await;
    assert_eq!((found.kind.as_str(), &found.subject), ("UNAPPLICABLE", &order.order_id));
    assert!(found.resolved_at.is_none());
    assert_eq!(world.payment(&order).await["amount"], 9_000, "it is not guessed who is right");
    set_amount(9_900).await;
    assert!(matches!(read(world, &order).await, Reread::Applied { .. }));
    assert!(finding().await.resolved_at.is_some());
}

async fn an_order_that_nobody_knows_is_not_asked_about(world: &World) {
    let order = Order { order_id: "never-ordered-0001".to_owned(), amount: 9_900 };
    assert!(matches!(read(world, &order).await, Reread::Unknown));
    assert!(world.toss.received().is_empty());
}

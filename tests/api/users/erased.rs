//! Erasure: nothing tells any more who the user was, and the books are what they were.

use entity::{payment, refund};
use gudok::audit::Actor;
use gudok::users::{EraseError, erase};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, PayMethod};

use super::{ACCOUNT, ALICE, HOLDER, Life, REASON, alice, places};
use crate::support::crowd::{Hold, awaited_by};
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![
    an_erased_user_stands_nowhere_in_the_books,
    the_books_stay_and_balance_under_the_new_name,
    nobody_is_erased_while_money_is_under_way,
    a_user_with_time_left_is_erased_only_when_that_is_meant,
    what_toss_says_later_brings_nothing_back,
    a_stranger_with_a_similar_name_is_left_alone,
    a_failed_order_is_not_paid_for_a_user_who_is_erased_meanwhile,
];

async fn an_erased_user_stands_nowhere_in_the_books(world: &World) {
    let life = Life::lived(world).await;
    let now = world.app.clock.now();
    let before = places(world, ALICE).await;
    for place in ["customer.user_id", "payment.user_id", "subscription.user_id", "temp_order.user_id"] {
        assert!(before.iter().any(|found| found == place), "{place}: {before:?}");
    }
    for place in ["payment.failure_message", "idempotency_key.caller", "checkout.success_url"] {
        assert!(before.iter().any(|found| found == place), "{place}: {before:?}");
    }
    assert_eq!(places(world, REASON).await, ["idempotency_key.response_body", "refund.reason"]);
    let number = &life.account_number;
    assert!(places(world, number).await.contains(&"payment.virtual_account".to_owned()));
    erase(&world.app, &alice(), true, &Actor::system(), now).await.expect("erased");
    let encoded = ALICE.replace('@', "%40");
    for gone in [ALICE, &encoded, REASON, number, ACCOUNT, HOLDER, &life.quoted.order_id] {
        assert_eq!(places(world, gone).await, Vec::<String>::new(), "{gone}");
    }
    let again = erase(&world.app, &alice(), true, &Actor::system(), now).await.expect_err("nobody");
    assert!(matches!(again, EraseError::NoSuchUser), "{again}");
    world.service().get(&format!("/v1/users/{ALICE}/subscription")).await.expect(404);
}

async fn the_books_stay_and_balance_under_the_new_name(world: &World) {
    let life = Life::lived(world).await;
    let now = world.app.clock.now();
    let rows = || async { payment::Entity::find().all(world.app.db.read()).await.expect("payments") };
    let (before, total) = (rows().await, world.event_total().await);
    let subscription = world.subscription(ALICE).await;
    let erased = erase(&world.app, &alice(), true, &Actor::system(), now).await.expect("erased");
    assert_eq!((erased.payments, erased.temp_orders), (4, 2));
    let name = erased.user_id.as_str();
    assert_eq!(world.event_total().await, total);
    let mut renamed = subscription.clone();
    renamed["userId"] = name.into();
    assert_eq!(world.subscription(name).await, renamed);
    for row in rows().await {
        let was = before.iter().find(|was| was.order_id == row.order_id).expect("the same payments");
        let same =
            (was.status, was.amount, was.balance_amount, &was.payment_key, was.approved_at, was.updated_at);
        assert_eq!(
            (row.status, row.amount, row.balance_amount, &row.payment_key, row.approved_at, row.updated_at),
            same
        );
    }
    let bank = &world.payment(&life.deposited).await["virtualAccount"];
    assert_eq!((&bank["bankCode"], &bank["accountNumber"]), (&"88".into(), &Value::Null));
    assert_eq!(world.payment(&life.failed).await["failure"]["code"], "PAY_PROCESS_CANCELED");
    // What is left can still be given back.
    world.refund(&life.bought, None).await.expect(200);
    assert_eq!(world.run_job("reconcile").await, 0);
    assert_eq!(gudok::check::check(&world.app).await.expect("checked").breaches, []);
}

async fn nobody_is_erased_while_money_is_under_way(world: &World) {
    let plan = world.event().await;
    let waiting = world.order(ALICE, &plan).await;
    let buyer = Authenticate::new(waiting.order_id.clone(), waiting.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    world.confirm(&waiting, &key).await.expect(200);
    let refused = |order: &str| {
        let order = order.to_owned();
        async move {
            let refused = erase(&world.app, &alice(), true, &Actor::system(), world.app.clock.now())
                .await
                .expect_err("under way");
            assert!(matches!(&refused, EraseError::UnderWay(_)), "{refused}");
            assert!(refused.to_string().contains(&order), "{refused}");
        }
    };
    refused(&waiting.order_id).await;
    world.toss.deposit(&key).expect("paid");
    world.advance(chrono::Duration::hours(2));
    world.run_job("settle-payments").await;
    let unknown = world.order(ALICE, &plan).await;
    let key = world.authenticate(&unknown);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    world.confirm(&unknown, &key).await.expect(202);
    refused(&unknown.order_id).await;
    world.settle().await;
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropAfter));
    world.refund(&unknown, None).await.expect(202);
    refused(&unknown.order_id).await;
    world.settle().await;
    erase(&world.app, &alice(), false, &Actor::system(), world.app.clock.now())
        .await
        .expect("nothing is under way");
}

async fn a_user_with_time_left_is_erased_only_when_that_is_meant(world: &World) {
    let plan = world.basic().await;
    world.buy(ALICE, &plan).await;
    let refused = erase(&world.app, &alice(), false, &Actor::system(), world.app.clock.now())
        .await
        .expect_err("time is left");
    assert!(matches!(refused, EraseError::Active(_)), "{refused}");
    assert!(refused.to_string().contains("--even-if-active"), "{refused}");
    assert_eq!(world.subscription(ALICE).await["isActive"], true);
    // Nobody has to wait for the job that moves the row on.
    world.advance(chrono::Duration::days(32));
    erase(&world.app, &alice(), false, &Actor::system(), world.app.clock.now())
        .await
        .expect("the time is over");
    world.run_job("expire-subscriptions").await;
}

async fn what_toss_says_later_brings_nothing_back(world: &World) {
    let life = Life::lived(world).await;
    let plan = world.plan("EVENT2", "EVENT", 7_000, None).await;
    let order = world.order(ALICE, &plan).await;
    let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    world.confirm(&order, &key).await.expect(200);
    world.toss.deposit(&key).expect("paid");
    world.work_webhooks_off().await;
    world.await_status(&order, "DONE").await;
    erase(&world.app, &alice(), true, &Actor::system(), world.app.clock.now()).await.expect("erased");
    let bought = world.toss.payment(&life.bought.order_id).expect("at Toss")["paymentKey"].clone();
    world.toss.console_cancel(bought.as_str().expect("a key"), None, REASON).expect("cancelled");
    world.advance(chrono::Duration::seconds(30));
    world.toss.reverse_deposit(&key).expect("taken back");
    world.work_webhooks_off().await;
    let payment = world.payment(&order).await;
    assert_eq!(payment["status"], "WAITING_FOR_DEPOSIT");
    assert_eq!(payment["virtualAccount"]["accountNumber"], Value::Null);
    let refunds = refund::Entity::find().filter(refund::Column::OrderId.eq(life.bought.order_id.as_str()));
    assert_eq!(refunds.all(world.app.db.read()).await.expect("refunds").len(), 2);
    assert_eq!(places(world, REASON).await, Vec::<String>::new());
}

async fn a_stranger_with_a_similar_name_is_left_alone(world: &World) {
    let plan = world.basic().await;
    // The underscore stands for itself, and a name inside another is another name.
    let similar = [ALICE.replace('_', "-"), format!("x{ALICE}"), format!("{ALICE}.x"), ALICE.to_uppercase()];
    for user in similar.iter().map(String::as_str).chain([ALICE]) {
        world.buy(user, &plan).await;
    }
    erase(&world.app, &alice(), true, &Actor::system(), world.app.clock.now()).await.expect("erased");
    for user in &similar {
        assert_eq!(world.subscription(user).await["isActive"], true, "{user}");
    }
}

async fn a_failed_order_is_not_paid_for_a_user_who_is_erased_meanwhile(world: &World) {
    // SQLite has one writer: there one begins only when the other has ended.
    if world.backend == Backend::Sqlite {
        return;
    }
    let order = world.order("u1", &world.basic().await).await;
    let lost = Authenticate::new(order.order_id.clone(), order.amount).card("4000000000000005");
    let lost = world.authenticate_with(lost);
    world.confirm(&order, &lost).await.expect_problem(402, "PAYMENT_REJECTED");
    let (user, key) = ("u1".parse().expect("an id"), world.authenticate(&order));
    let payment = Hold::payment(world, &order).await;
    let (actor, now) = (Actor::system(), world.app.clock.now());
    let erased = erase(&world.app, &user, false, &actor, now);
    // It reads the quote, which is still there, and waits for the payment behind whoever erases.
    let paid = async {
        awaited_by(world, 1).await;
        world.confirm(&order, &key).await
    };
    let released = async {
        awaited_by(world, 2).await;
        payment.release().await;
    };
    let (erased, paid, ()) = tokio::join!(erased, paid, released);
    assert_eq!(erased.expect("erased").payments, 1);
    paid.expect_problem(410, "ORDER_EXPIRED");
    assert_eq!(world.ledger_of(&order), (0, 0));
}

//! Virtual accounts: issued by the confirmation, paid later or never.

use entity::refund;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, PayMethod};

use crate::support::client::Reply;
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    a_virtual_account_waits_for_its_deposit,
    a_deposit_gives_what_was_bought,
    repeating_the_confirmation_of_an_account_shows_the_same_account,
    an_account_that_nobody_pays_into_gives_nothing,
    a_payment_without_a_deposit_cannot_be_refunded,
    an_account_whose_answer_was_lost_is_found,
    a_deposit_before_the_account_was_known_is_found,
    an_account_that_staff_cancel_is_closed,
    a_paid_account_is_refunded_only_to_an_account_that_is_named,
    an_account_for_the_money_outlives_a_lost_answer_and_no_longer,
    an_account_that_makes_no_sense_is_refused_by_field,
    a_deposit_that_the_bank_took_back_leaves_our_books_too,
];

/// Gives an order for which an account was issued, its payment key and the answer.
async fn issued(world: &World) -> (Order, String, Value) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    let body = world.confirm(&order, &key).await.expect(200).clone();
    (order, key, body)
}

async fn a_virtual_account_waits_for_its_deposit(world: &World) {
    let (order, _key, body) = issued(world).await;
    let payment = &body["payment"];
    assert_eq!(payment["status"], "WAITING_FOR_DEPOSIT");
    assert_eq!((&body["subscription"], &body["eventAmount"]), (&Value::Null, &Value::Null));
    assert_eq!(payment["paymentMethod"], "가상계좌");
    assert_eq!(payment["balanceAmount"], 0);
    assert!(payment["approvedAt"].is_null());
    let account = &payment["virtualAccount"];
    assert_eq!((&account["bankCode"], &account["bank"]), (&"88".into(), &"신한".into()));
    assert!(account["accountNumber"].as_str().is_some_and(|number| !number.is_empty()));
    assert!(account["dueDate"].as_str().is_some_and(|due| due.ends_with('Z')));
    assert_eq!(&world.payment(&order).await, payment);
    world.service().get("/v1/users/u1/subscription").await.expect_problem(404, "SUBSCRIPTION_NOT_FOUND");
    assert!(!body.to_string().contains("secret"), "Toss's secret is nobody's business");
}

async fn a_deposit_gives_what_was_bought(world: &World) {
    let (order, key, _body) = issued(world).await;
    world.advance(chrono::Duration::hours(30));
    world.run_job("settle-payments").await;
    assert_eq!(world.payment(&order).await["status"], "WAITING_FOR_DEPOSIT");
    world.toss.deposit(&key).expect("paid");
    world.advance(chrono::Duration::hours(2));
    assert_eq!(world.run_job("settle-payments").await, 1);
    let payment = world.payment(&order).await;
    assert_eq!((&payment["status"], &payment["balanceAmount"]), (&"DONE".into(), &9_900.into()));
    let subscription = world.subscription("u1").await;
    assert_eq!(subscription["isActive"], true);
    assert_eq!(subscription["startDate"], payment["approvedAt"]);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn repeating_the_confirmation_of_an_account_shows_the_same_account(world: &World) {
    let (order, key, body) = issued(world).await;
    let asked = world.toss.received().len();
    assert_eq!(world.confirm(&order, &key).await.expect(200), &body);
    let other = world.authenticate(&order);
    world.confirm(&order, &other).await.expect_problem(409, "PAYMENT_KEY_CONFLICT");
    assert_eq!(world.toss.received().len(), asked);
}

async fn an_account_that_nobody_pays_into_gives_nothing(world: &World) {
    let (order, _key, _body) = issued(world).await;
    for _ in 0..15 {
        world.advance(chrono::Duration::days(1));
        assert_eq!(world.run_job("settle-payments").await, 0);
    }
    let payment = world.payment(&order).await;
    assert_eq!(payment["balanceAmount"], 0);
    assert_ne!(payment["status"], "DONE");
    world.service().get("/v1/users/u1/subscription").await.expect_problem(404, "SUBSCRIPTION_NOT_FOUND");
    // A week after the term it is not asked about any more.
    let asked = world.toss.received().len();
    world.advance(chrono::Duration::days(1));
    world.run_job("settle-payments").await;
    assert_eq!(world.toss.received().len(), asked);
}

async fn a_payment_without_a_deposit_cannot_be_refunded(world: &World) {
    let (order, _key, _body) = issued(world).await;
    world.refund(&order, None).await.expect_problem(409, "PAYMENT_NOT_REFUNDABLE");
    assert_eq!(world.payment(&order).await["status"], "WAITING_FOR_DEPOSIT");
}

/// Confirms an account whose answer is lost, and gives its order and payment key.
async fn lost_account(world: &World) -> (Order, String) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    world.confirm(&order, &key).await.expect(202);
    (order, key)
}

async fn an_account_whose_answer_was_lost_is_found(world: &World) {
    let (order, key) = lost_account(world).await;
    assert_eq!(world.settle().await, 1);
    let payment = world.payment(&order).await;
    assert_eq!(payment["status"], "WAITING_FOR_DEPOSIT");
    assert!(payment["virtualAccount"]["accountNumber"].is_string());
    assert_eq!(world.confirms_received(&order), 1);
    assert_eq!(world.confirm(&order, &key).await.expect(200)["payment"], payment);
}

async fn a_deposit_before_the_account_was_known_is_found(world: &World) {
    let (order, key) = lost_account(world).await;
    world.toss.deposit(&key).expect("paid");
    assert_eq!(world.settle().await, 1);
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert_eq!(world.subscription("u1").await["isActive"], true);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn an_account_that_staff_cancel_is_closed(world: &World) {
    let (order, key, _body) = issued(world).await;
    world.toss.console_cancel(&key, None, "입금 전 취소").expect("cancelled");
    world.advance(chrono::Duration::hours(2));
    assert_eq!(world.run_job("settle-payments").await, 1);
    let payment = world.payment(&order).await;
    assert_eq!((&payment["status"], &payment["balanceAmount"]), (&"CANCELED".into(), &0.into()));
    world.service().get("/v1/users/u1/subscription").await.expect_problem(404, "SUBSCRIPTION_NOT_FOUND");
}

/// Asks for the money of a paid account back, to an account of the buyer's.
async fn refund_to_account(world: &World, order: &Order) -> Reply {
    let account = json!({"bank": "88", "accountNumber": "110123456789", "holderName": "김토스"});
    let body = json!({"cancelReason": "변심", "refundReceiveAccount": account});
    world.service().post(&format!("/v1/payments/{}/cancel", order.order_id), body).await
}

/// An account that has been issued and paid.
async fn paid(world: &World) -> (Order, String) {
    let (order, key, _body) = issued(world).await;
    world.toss.deposit(&key).expect("paid");
    world.advance(chrono::Duration::hours(2));
    assert_eq!(world.run_job("settle-payments").await, 1);
    (order, key)
}

async fn a_paid_account_is_refunded_only_to_an_account_that_is_named(world: &World) {
    let (order, _key) = paid(world).await;
    let problem = world.refund(&order, None).await;
    assert_eq!(problem.expect_problem(400, "INVALID_REQUEST")["errors"][0]["field"], "refundReceiveAccount");
    assert_eq!(world.calls_received(Operation::Cancel), 0);
    assert_eq!(world.subscription("u1").await["isActive"], true);
    let reply = refund_to_account(world, &order).await;
    assert_eq!(reply.expect(200)["payment"]["status"], "CANCELED");
    assert_eq!(world.subscription("u1").await["isActive"], false);
    assert_eq!(world.ledger_of(&order), (1, 0));
    let refunds = refund::Entity::find().all(world.app.db.read()).await.expect("refunds");
    assert_eq!(refunds.len(), 1);
    assert_eq!(refunds[0].receive_account, None, "an account is not kept beyond its use");
    assert!(!reply.text.contains("110123456789"));
}

async fn an_account_for_the_money_outlives_a_lost_answer_and_no_longer(world: &World) {
    let (order, _key) = paid(world).await;
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropBefore));
    refund_to_account(world, &order).await.expect(202);
    let kept = async || {
        let refunds = refund::Entity::find().all(world.app.db.read()).await.expect("refunds");
        refunds[0].receive_account.is_some()
    };
    assert!(kept().await, "the request could not be sent again without it");
    assert_eq!(world.settle().await, 1);
    assert!(!kept().await);
    assert_eq!(world.ledger_of(&order), (1, 0));
}

async fn an_account_that_makes_no_sense_is_refused_by_field(world: &World) {
    let (order, _key) = paid(world).await;
    let plan = world.premium().await;
    let by_card = world.buy("u2", &plan).await;
    let good = json!({"bank": "88", "accountNumber": "110123456789", "holderName": "김토스"});
    for (order, field, value, named) in [
        (&order, "bank", json!("QQ"), "refundReceiveAccount.bank"),
        (&order, "accountNumber", json!("110-123"), "refundReceiveAccount.accountNumber"),
        (&order, "accountNumber", json!("123456789012345678901"), "refundReceiveAccount.accountNumber"),
        (&order, "holderName", json!(""), "refundReceiveAccount.holderName"),
        (&order, "holderName", json!(7), "refundReceiveAccount.holderName"),
        (&by_card, "holderName", json!("김토스"), "refundReceiveAccount"),
    ] {
        let mut account = good.clone();
        account[field] = value;
        let body = json!({"cancelReason": "변심", "refundReceiveAccount": account});
        let reply = world.service().post(&format!("/v1/payments/{}/cancel", order.order_id), body).await;
        assert_eq!(reply.expect_problem(400, "INVALID_REQUEST")["errors"][0]["field"], named);
    }
    assert_eq!(world.calls_received(Operation::Cancel), 0);
}

async fn a_deposit_that_the_bank_took_back_leaves_our_books_too(world: &World) {
    let (order, key) = paid(world).await;
    // At Toss the status goes back from DONE to WAITING_FOR_DEPOSIT, and the money is gone.
    world.toss.reverse_deposit(&key).expect("reversed");
    // The wish for a refund makes us look at the payment; whatever it is answered, Toss's truth has been seen then.
    let reply = refund_to_account(world, &order).await;
    assert!(reply.status < 500, "{}", reply.text);
    world.advance(chrono::Duration::hours(2));
    world.run_job("settle-payments").await;
    assert_eq!(world.ledger_of(&order), (1, 0));
    let payment = world.payment(&order).await;
    assert_eq!(payment["balanceAmount"], 0, "Toss holds no money for {payment}");
    assert_eq!(world.subscription("u1").await["isActive"], false);
}

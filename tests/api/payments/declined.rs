//! When Toss says a definite no: nothing is charged, the reason is shown, and the order can be paid again.

use serde_json::json;
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, PayMethod};

use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    a_declined_card_is_answered_with_tosss_reason,
    a_declined_order_can_be_paid_again_with_a_new_key,
    repeating_a_declined_confirmation_gives_the_same_no_without_asking_toss,
    every_decline_of_a_card_is_a_no,
    a_forged_payment_key_is_a_no_and_harms_nobody_else,
    a_declined_order_can_no_longer_be_paid_once_it_has_expired,
    an_attempt_that_worked_although_toss_said_no_is_found_by_its_order,
    an_approval_behind_a_no_is_found_before_the_buyer_hears_no,
    an_account_behind_a_no_is_shown_to_the_buyer,
    a_no_stands_while_toss_does_not_answer_the_question_behind_it,
    a_decline_keeps_the_method_that_was_declined,
];

const LOST: &str = "4000000000000005";

fn by_card(order: &Order, number: &str) -> Authenticate {
    Authenticate::new(order.order_id.clone(), order.amount).card(number)
}

async fn a_declined_card_is_answered_with_tosss_reason(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate_with(by_card(&order, LOST));
    let reply = world.confirm(&order, &key).await;
    let problem = reply.expect_problem(402, "PAYMENT_REJECTED");
    assert_eq!(problem["pg"]["code"], "INVALID_CARD_LOST_OR_STOLEN");
    assert!(problem["pg"]["message"].as_str().is_some_and(|words| !words.is_empty()));
    let payment = world.payment(&order).await;
    assert_eq!(payment["status"], "ABORTED");
    assert_eq!(payment["failure"], problem["pg"]);
    assert_eq!(payment["balanceAmount"], 0);
    assert!(payment["approvedAt"].is_null());
    assert_eq!(world.ledger_of(&order), (0, 0));
    world.service().get("/v1/users/u1/subscription").await.expect_problem(404, "SUBSCRIPTION_NOT_FOUND");
}

async fn a_declined_order_can_be_paid_again_with_a_new_key(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    for number in [LOST, "4000000000000001"] {
        let key = world.authenticate_with(by_card(&order, number));
        world.confirm(&order, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    }
    let key = world.authenticate(&order);
    let reply = world.confirm(&order, &key).await;
    let payment = &reply.expect(200)["payment"];
    assert_eq!(payment["status"], "DONE");
    assert_eq!(payment["paymentKey"], key);
    assert!(payment["failure"].is_null());
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn repeating_a_declined_confirmation_gives_the_same_no_without_asking_toss(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate_with(by_card(&order, LOST));
    let first = world.confirm(&order, &key).await;
    let second = world.confirm(&order, &key).await;
    assert_eq!(second.expect_problem(402, "PAYMENT_REJECTED")["pg"], first.body["pg"]);
    let asked = |operation| world.calls_received(operation);
    assert_eq!(
        (asked(Operation::Confirm), asked(Operation::Get)),
        (1, 1),
        "one offer and the look-up behind it"
    );
}

async fn every_decline_of_a_card_is_a_no(world: &World) {
    let plan = world.basic().await;
    let codes = [
        "REJECT_CARD_PAYMENT",
        "REJECT_CARD_COMPANY",
        "INVALID_CARD_EXPIRATION",
        "INVALID_STOPPED_CARD",
        "INVALID_CARD_LOST_OR_STOLEN",
        "EXCEED_MAX_AMOUNT",
        "EXCEED_MAX_DAILY_PAYMENT_COUNT",
        "EXCEED_MAX_PAYMENT_AMOUNT",
        "INVALID_REJECT_CARD",
        "FDS_ERROR",
        "INVALID_CARD_NUMBER",
        "NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT",
        "EXCEED_MAX_ONE_DAY_AMOUNT",
        "INVALID_PASSWORD",
    ];
    for (index, code) in codes.into_iter().enumerate() {
        let order = world.order("u1", &plan).await;
        let number = format!("{}", 4_000_000_000_000_001_u64 + index as u64);
        let key = world.authenticate_with(by_card(&order, &number));
        let reply = world.confirm(&order, &key).await;
        assert_eq!(reply.expect_problem(402, "PAYMENT_REJECTED")["pg"]["code"], code);
        assert_eq!(world.payment(&order).await["status"], "ABORTED");
    }
    assert_eq!(world.toss.ledger(), []);
}

async fn a_forged_payment_key_is_a_no_and_harms_nobody_else(world: &World) {
    let plan = world.basic().await;
    let (forged, honest) = (world.order("u1", &plan).await, world.order("u2", &plan).await);
    // A key that Toss never gave, and one that it gave for less money.
    let reply = world.confirm(&forged, "tgen_made_up_by_somebody").await;
    assert_eq!(reply.expect_problem(402, "PAYMENT_REJECTED")["pg"]["code"], "NOT_FOUND_PAYMENT");
    let cheap = Order { amount: 100, ..forged.clone() };
    let key = world.authenticate(&cheap);
    world.confirm(&forged, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    let key = world.authenticate(&honest);
    world.confirm(&honest, &key).await.expect(200);
    assert_eq!(world.ledger_of(&forged), (0, 0));
}

async fn a_declined_order_can_no_longer_be_paid_once_it_has_expired(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate_with(by_card(&order, LOST));
    world.confirm(&order, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    world.advance(chrono::Duration::minutes(30));
    let late = world.authenticate(&order);
    world.confirm(&order, &late).await.expect_problem(410, "ORDER_EXPIRED");
    // Nor does it become payable because the temp order is gone.
    assert_eq!(world.run_job("purge-temp-orders").await, 1);
    world.confirm(&order, &late).await.expect_problem(410, "ORDER_EXPIRED");
    let fail = json!({"orderId": order.order_id, "code": "PAY_PROCESS_CANCELED", "message": "취소"});
    world.service().post("/v1/payments/fail", fail).await.expect(200);
    assert_eq!(world.confirms_received(&order), 1);
}

async fn an_attempt_that_worked_although_toss_said_no_is_found_by_its_order(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let first = world.authenticate(&order);
    world.toss_denies_an_approval();
    world.confirm(&order, &first).await.expect_problem(402, "PAYMENT_REJECTED");
    let second = world.authenticate(&order);
    let reply = world.confirm(&order, &second).await;
    let payment = &reply.expect(200)["payment"];
    assert_eq!((&payment["status"], &payment["paymentKey"]), (&json!("DONE"), &json!(first)));
    assert_eq!(world.confirm(&order, &second).await.expect(200)["payment"]["status"], "DONE");
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

/// Toss does what it is asked and says that it did not.
fn false_no() -> Fault {
    Fault::new(Operation::Confirm, FaultKind::ErrorAfter).status(403).code("REJECT_CARD_PAYMENT")
}

async fn an_approval_behind_a_no_is_found_before_the_buyer_hears_no(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(false_no());
    assert_eq!(world.confirm(&order, &key).await.expect(200)["payment"]["status"], "DONE");
    assert_eq!(world.subscription("u1").await["isActive"], true);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn an_account_behind_a_no_is_shown_to_the_buyer(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    world.toss.inject(false_no());
    let reply = world.confirm(&order, &key).await;
    let payment = &reply.expect(200)["payment"];
    assert_eq!(payment["status"], "WAITING_FOR_DEPOSIT");
    assert!(payment["virtualAccount"]["accountNumber"].is_string());
}

async fn a_no_stands_while_toss_does_not_answer_the_question_behind_it(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate_with(by_card(&order, LOST));
    world.toss.inject(Fault::new(Operation::Get, FaultKind::InFlight));
    let reply = world.confirm(&order, &key).await;
    assert_eq!(reply.expect_problem(402, "PAYMENT_REJECTED")["pg"]["code"], "INVALID_CARD_LOST_OR_STOLEN");
    // A question that hangs is given up, long before a confirmation would be.
    world
        .toss
        .inject(Fault::new(Operation::Get, FaultKind::Delay).delay(std::time::Duration::from_secs(600)));
    let key = world.authenticate_with(by_card(&order, LOST));
    world.confirm(&order, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    assert_eq!(world.payment(&order).await["status"], "ABORTED");
    assert!(world.payment(&order).await["paymentMethod"].is_null());
}

async fn a_decline_keeps_the_method_that_was_declined(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate_with(by_card(&order, LOST));
    world.confirm(&order, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    let declined = world.payment(&order).await["paymentMethod"].clone();
    assert!(declined.is_string(), "{declined}");
    // The next attempt is by something else, and may be declined as well.
    let wallet = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::EasyPay);
    let key = world.authenticate_with(wallet);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::Reject).code("REJECT_CARD_PAYMENT"));
    world.confirm(&order, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    let then = world.payment(&order).await["paymentMethod"].clone();
    assert!(then.is_string() && then != declined, "{then} after {declined}");
}

//! Differences that nothing here can repair: reported, not guessed at, open until they are over.

use chrono::Duration;
use gudok::findings::Kind;
use gudok::reconcile::{Outcome, Report};
use serde_json::json;
use toss_sandbox::{Fault, FaultKind, Operation};

use super::{compare, compared, findings, lately, paid_elsewhere, sql};
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::{Order, World};

scenarios![
    an_order_that_we_do_not_know_stays_a_finding_until_its_money_is_back,
    a_payment_key_that_was_never_offered_is_reported,
    a_payment_that_toss_does_not_know_is_reported,
    a_tampered_amount_is_reported_until_it_is_put_right,
    a_tampered_balance_is_reported,
    a_tampered_status_is_reported,
    a_finding_outside_of_the_window_is_looked_at_again,
    what_toss_does_not_tell_is_left_open_without_a_finding,
    too_many_differences_end_the_run,
    a_second_approval_that_toss_does_not_give_back_stays_a_finding,
    a_toss_that_tells_nothing_ends_the_run,
];

/// The only difference, which must be left to people.
fn reported(report: &Report) -> &gudok::reconcile::Difference {
    let [difference] = report.differences.as_slice() else { panic!("{report:?}") };
    assert_eq!((report.open, difference.outcome), (1, Outcome::Reported), "{report:?}");
    difference
}

fn finding(kind: &str, subject: &str, over: bool) -> (String, String, bool) {
    (kind.to_owned(), subject.to_owned(), over)
}

async fn an_order_that_we_do_not_know_stays_a_finding_until_its_money_is_back(world: &World) {
    world.forge();
    let key = paid_elsewhere(world, "somebody-elses-0001", 7_000).await;
    let report = compared(world).await;
    let difference = reported(&report);
    assert_eq!((difference.kind, difference.order_id.as_str()), (Kind::MissingHere, "somebody-elses-0001"));
    assert_eq!((&difference.ours, difference.theirs.as_deref()), (&None, Some("DONE 7000/7000")));
    assert_eq!(difference.payment_key.as_deref(), Some(key.as_str()));
    assert_eq!(findings(world).await, [finding("MISSING_HERE", &key, false)]);
    // Seen again, it is the same finding.
    compared(world).await;
    assert_eq!(findings(world).await, [finding("MISSING_HERE", &key, false)]);
    world.toss.console_cancel(&key, Some(3_000), "일부").expect("cancelled");
    assert_eq!(reported(&compared(world).await).theirs.as_deref(), Some("PARTIAL_CANCELED 4000/7000"));
    world.toss.console_cancel(&key, None, "나머지").expect("cancelled");
    let report = compared(world).await;
    assert_eq!((report.compared, report.open), (3, 0), "{report:?}");
    assert_eq!(findings(world).await, [finding("MISSING_HERE", &key, true)]);
}

async fn a_payment_key_that_was_never_offered_is_reported(world: &World) {
    world.forge();
    let order = world.order("u1", &world.basic().await).await;
    let body = json!({"orderId": order.order_id, "code": "PAY_PROCESS_CANCELED", "message": "취소"});
    world.service().post("/v1/payments/fail", body).await.expect(200);
    let key = paid_elsewhere(world, &order.order_id, order.amount).await;
    let report = compared(world).await;
    let difference = reported(&report);
    assert_eq!((difference.kind, &difference.order_id), (Kind::MissingHere, &order.order_id));
    assert_eq!(findings(world).await, [finding("MISSING_HERE", &key, false)]);
    assert_eq!(world.payment(&order).await["status"], "ABORTED", "nothing is guessed");
}

/// A second payment like that of `order`, whole in our books and unknown to Toss.
async fn invented(world: &World, order: &Order) -> String {
    let id = "invented-order-0001";
    let from = format!("FROM {{}} WHERE order_id = '{}'", order.order_id);
    let copy = async |table: &str, columns: &str, values: &str| {
        let from = from.replace("{}", table);
        sql(world, &format!("INSERT INTO {table} ({columns}) SELECT {values} {from}")).await;
    };
    let columns = "user_id, plan_id, order_name, amount, balance_amount, currency, interval_months, status, approved_at, \
        attempt, idempotency_key, attempted_at, settle_tries, not_found_count, created_at, updated_at";
    copy(
        "payment",
        &format!("order_id, payment_key, {columns}"),
        &format!("'{id}', 'invented-key', {columns}"),
    )
    .await;
    let columns = "from_status, to_status, cause, balance_amount, idempotency_key, created_at";
    let values = format!("'f' || substr(id, 2), '{id}', 'invented-key', {columns}");
    copy("payment_event", &format!("id, order_id, payment_key, {columns}"), &values).await;
    let values =
        format!("'f' || substr(id, 2), '{id}', 'f' || substr(payment_event_id, 2), amount, created_at");
    copy("event_amount", "id, order_id, payment_event_id, amount, created_at", &values).await;
    id.to_owned()
}

async fn a_payment_that_toss_does_not_know_is_reported(world: &World) {
    world.forge();
    let order = world.buy("u1", &world.event().await).await;
    let invented = invented(world, &order).await;
    let report = compared(world).await;
    assert_eq!((report.compared, report.matched), (2, 1));
    let difference = reported(&report);
    assert_eq!((difference.kind, &difference.order_id), (Kind::MissingAtToss, &invented));
    assert_eq!((difference.ours.as_deref(), &difference.theirs), (Some("DONE 5000/5000"), &None));
    assert_eq!(findings(world).await, [finding("MISSING_AT_TOSS", &invented, false)]);
    assert_eq!(world.event_total().await, 10_000, "nothing is taken away by guessing");
}

/// Both the report and the findings must show this difference of `order`, and only it.
async fn differs(world: &World, order: &Order, kind: Kind, sides: (&str, &str)) {
    let report = compared(world).await;
    let difference = reported(&report);
    assert_eq!((difference.kind, &difference.order_id), (kind, &order.order_id), "{difference:?}");
    assert_eq!((difference.ours.as_deref(), difference.theirs.as_deref()), (Some(sides.0), Some(sides.1)));
    assert_eq!(findings(world).await, [finding(kind.name(), &order.order_id, false)]);
}

async fn a_tampered_amount_is_reported_until_it_is_put_right(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    sql(world, "UPDATE payment SET amount = 8800, balance_amount = 8800").await;
    differs(world, &order, Kind::AmountDiffers, ("DONE 8800/8800", "DONE 9900/9900")).await;
    sql(world, "UPDATE payment SET amount = 9900, balance_amount = 9900").await;
    assert_eq!(compared(world).await.open, 0);
    assert_eq!(findings(world).await, [finding("AMOUNT_DIFFERS", &order.order_id, true)]);
}

async fn a_tampered_balance_is_reported(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    world.refund(&order, Some(1_900)).await.expect(200);
    sql(world, "UPDATE payment SET balance_amount = 8001").await;
    let sides = ("PARTIAL_CANCELED 8001/9900", "PARTIAL_CANCELED 8000/9900");
    // More is left here than at Toss, which our own refunds contradict.
    differs(world, &order, Kind::AmountDiffers, sides).await;
    sql(world, "UPDATE payment SET balance_amount = 7999").await;
    let sides = ("PARTIAL_CANCELED 7999/9900", "PARTIAL_CANCELED 8000/9900");
    differs(world, &order, Kind::AmountDiffers, sides).await;
    sql(world, "UPDATE payment SET balance_amount = 8000").await;
}

async fn a_tampered_status_is_reported(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    sql(world, "UPDATE payment SET status = 'CANCELED', balance_amount = 0").await;
    differs(world, &order, Kind::AmountDiffers, ("CANCELED 0/9900", "DONE 9900/9900")).await;
    sql(world, "UPDATE payment SET status = 'DONE', balance_amount = 9900").await;
    assert_eq!(compared(world).await.open, 0);
}

async fn a_finding_outside_of_the_window_is_looked_at_again(world: &World) {
    world.forge();
    let key = paid_elsewhere(world, "somebody-elses-0001", 7_000).await;
    compared(world).await;
    world.advance(Duration::days(40));
    let report = compared(world).await;
    assert_eq!(
        (report.compared, reported(&report).kind),
        (0, Kind::MissingHere),
        "it does not go away by waiting"
    );
    // A Toss that does not tell resolves nothing.
    world.toss.inject(Fault::new(Operation::Get, FaultKind::Html).times(4));
    assert_eq!(compared(world).await.open, 1);
    world.toss.clear_faults();
    assert_eq!(findings(world).await, [finding("MISSING_HERE", &key, false)]);
    world.toss.console_cancel(&key, None, "주문 없음").expect("cancelled");
    world.advance(Duration::days(40));
    let report = compared(world).await;
    assert_eq!((report.compared, report.open), (0, 0));
    assert_eq!(findings(world).await, [finding("MISSING_HERE", &key, true)]);
}

async fn what_toss_does_not_tell_is_left_open_without_a_finding(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let key = world.payment(&order).await["paymentKey"].as_str().expect("a key").to_owned();
    world.toss.console_cancel(&key, None, "고객 요청").expect("cancelled");
    world.toss.inject(Fault::new(Operation::Get, FaultKind::DropBefore).times(100));
    let report = compared(world).await;
    assert_eq!((report.open, report.differences[0].outcome), (1, Outcome::Unsettled), "{report:?}");
    assert!(findings(world).await.is_empty());
    world.toss.clear_faults();
    assert_eq!(compared(world).await.repaired, 1);
}

/// So many payments, each a copy of `order`, that Toss knows nothing of.
async fn invent(world: &World, order: &Order, count: u32) {
    let series = match world.backend {
        Backend::Sqlite => format!(
            "(WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < {count}) \
             SELECT n FROM counter) AS numbers"
        ),
        Backend::Postgres => format!("generate_series(1, {count}) AS numbers(n)"),
    };
    let columns = "user_id, plan_id, order_name, amount, balance_amount, currency, interval_months, status, approved_at, \
        attempt, idempotency_key, attempted_at, settle_tries, not_found_count, created_at, updated_at";
    let from = format!("FROM payment, {series} WHERE order_id = '{}'", order.order_id);
    let keys = "'invented-' || n, 'invented-' || n";
    sql(
        world,
        &format!("INSERT INTO payment (order_id, payment_key, {columns}) SELECT {keys}, {columns} {from}"),
    )
    .await;
}

async fn too_many_differences_end_the_run(world: &World) {
    world.forge();
    let order = world.buy("u1", &world.event().await).await;
    invent(world, &order, 1_100).await;
    let report = compare(world, lately(world)).await;
    assert!(report.failure.is_some_and(|reason| reason.contains("shop")));
    assert_eq!(report.open, 1_001);
}

async fn a_toss_that_tells_nothing_ends_the_run(world: &World) {
    world.forge();
    let order = world.buy("u1", &world.event().await).await;
    invent(world, &order, 100).await;
    world.toss.inject(Fault::new(Operation::Get, FaultKind::DropBefore).times(1_000));
    let report = compare(world, lately(world)).await;
    assert!(report.failure.is_some_and(|reason| reason.contains("does not tell")));
    assert!(report.open < 100 && findings(world).await.is_empty(), "nothing is concluded from silence");
}

async fn a_second_approval_that_toss_does_not_give_back_stays_a_finding(world: &World) {
    world.forge();
    world.toss.one_approval_per_order(false);
    let order = world.order("u1", &world.basic().await).await;
    let first = world.authenticate(&order);
    world.toss_denies_an_approval();
    world.confirm(&order, &first).await.expect_problem(402, "PAYMENT_REJECTED");
    let second = world.authenticate(&order);
    world.confirm(&order, &second).await.expect(200);
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::Reject).code("NOT_CANCELABLE_PAYMENT"));
    assert_eq!(reported(&compared(world).await).kind, Kind::StateDiffers);
    world.settle().await;
    // Weeks later the rows are outside of every window, and the buyer is still charged twice.
    world.advance(Duration::days(20));
    for _ in 0..2 {
        assert_eq!(compared(world).await.open, 1);
        assert_eq!(findings(world).await, [finding("STATE_DIFFERS", &order.order_id, false)]);
    }
    world.toss.console_cancel(&first, None, "이중 결제").expect("cancelled");
    assert_eq!(compared(world).await.open, 0);
    assert_eq!(findings(world).await, [finding("STATE_DIFFERS", &order.order_id, true)]);
}

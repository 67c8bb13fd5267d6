//! Books that agree: nothing is said, nothing is changed, and Toss is asked for its list alone.

use chrono::Duration;
use futures_util::future::join_all;
use gudok::reconcile::{Outcome, Window};
use toss_sandbox::{Authenticate, Operation, PayMethod};

use super::{buyer, compare, compared, findings, lately};
use crate::support::scenario::scenarios;
use crate::support::world::{World, instant};

scenarios![
    books_that_agree_give_nothing,
    empty_books_agree,
    a_cancel_of_an_earlier_approval_is_matched,
    the_last_second_is_inside_and_the_next_is_not,
    unknown_fields_of_toss_break_nothing,
    what_may_still_be_running_is_left_alone,
    purchases_that_go_on_meanwhile_differ_in_nothing,
];

async fn books_that_agree_give_nothing(world: &World) {
    let (basic, event) = (world.basic().await, world.event().await);
    for _ in 0..5 {
        buyer(world, &basic).await;
    }
    let whole = buyer(world, &basic).await;
    world.refund(&whole, None).await.expect(200);
    let parts = world.buy("parts", &event).await;
    world.refund(&parts, Some(1_000)).await.expect(200);
    world.refund(&parts, Some(4_000)).await.expect(200);
    for (user, paid) in [("paid", true), ("unpaid", false)] {
        let order = world.order(user, &basic).await;
        let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
        let key = world.authenticate_with(buyer);
        world.confirm(&order, &key).await.expect(200);
        if paid {
            world.toss.deposit(&key).expect("paid");
        } else {
            world.toss.console_cancel(&key, None, "입금 전 취소").expect("cancelled");
        }
    }
    let declined = world.order("declined", &basic).await;
    let key =
        world.authenticate_with(Authenticate::new(declined.order_id.clone(), 9_900).card("4000000000000001"));
    world.confirm(&declined, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    world.advance(Duration::hours(2));
    world.run_job("settle-payments").await;
    let asked = world.calls_received(Operation::Get);
    let report = compared(world).await;
    // Seven approvals, three cancels; of the accounts two issues, a deposit and a cancel.
    assert_eq!((report.compared, report.matched), (14, 14), "{report:?}");
    assert_eq!((report.repaired, report.open, report.under_way), (0, 0, 0));
    assert!(report.differences.is_empty() && findings(world).await.is_empty());
    assert_eq!(world.calls_received(Operation::Get), asked, "the list is enough where it agrees");
    assert!(world.calls_received(Operation::Transactions) > 7, "fourteen rows come in pairs");
}

async fn empty_books_agree(world: &World) {
    let report = compared(world).await;
    assert_eq!((report.compared, report.open), (0, 0));
}

async fn a_cancel_of_an_earlier_approval_is_matched(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    world.advance(Duration::days(2));
    world.refund(&order, Some(900)).await.expect(200);
    let now = world.app.clock.now();
    let report = compare(world, Window { from: now - Duration::days(1), to: now }).await;
    assert_eq!((report.compared, report.matched, report.failure), (1, 1, None));
}

async fn the_last_second_is_inside_and_the_next_is_not(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    let at = instant(&world.payment(&order).await["approvedAt"]);
    world.advance(Duration::minutes(1));
    let (second, hour) = (Duration::seconds(1), Duration::hours(1));
    for (from, to, rows) in [(at, at + second, 1), (at - hour, at, 0), (at + second, at + hour, 0)] {
        let report = compare(world, Window { from, to }).await;
        assert_eq!((report.compared, report.matched, report.open), (rows, rows, 0), "{from} to {to}");
    }
}

async fn unknown_fields_of_toss_break_nothing(world: &World) {
    let order = world.buy("u1", &world.basic().await).await;
    world.refund(&order, Some(900)).await.expect(200);
    world.toss.unknown_fields(true);
    let report = compared(world).await;
    assert_eq!((report.compared, report.matched), (2, 2));
}

async fn what_may_still_be_running_is_left_alone(world: &World) {
    // It takes connections and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", silent.local_addr().expect("an address"));
    let settings = [("GUDOK__TOSS__BASE_URL", address.as_str()), ("GUDOK__SERVER__ANSWER_WITHIN_MS", "2000")];
    let (app, hanging) = world.second_service_with(&settings).await;
    let order = world.order("u1", &world.basic().await).await;
    let key = world.authenticate(&order);
    hanging.post("/v1/payments/confirm", order.confirmation(&key)).await.expect(202);
    let report = compared(world).await;
    assert_eq!((report.compared, report.under_way, report.open), (1, 1, 0), "{report:?}");
    // When it cannot be running any more, it is an open end, which is settle's to finish.
    world.advance(Duration::minutes(2));
    let report = compared(world).await;
    assert_eq!((report.under_way, report.open), (0, 1), "{report:?}");
    assert_eq!(report.differences[0].outcome, Outcome::Unsettled);
    assert!(findings(world).await.is_empty(), "a machine can decide it");
    world.run_job("settle-payments").await;
    let report = compared(world).await;
    assert_eq!((report.matched, report.open), (1, 0), "{report:?}");
    drop(silent);
    app.tasks.close();
    app.tasks.wait().await;
}

async fn purchases_that_go_on_meanwhile_differ_in_nothing(world: &World) {
    let plan = world.basic().await;
    let purchases = join_all((0..6).map(async |n| {
        for _ in 0..3 {
            let order = world.buy(&format!("u{n}"), &plan).await;
            world.refund(&order, Some(1_000)).await.expect(200);
            world.refund(&order, None).await.expect(200);
        }
    }));
    let comparisons = async {
        for _ in 0..8 {
            let report = compare(world, lately(world)).await;
            assert_eq!((report.failure.clone(), report.open), (None, 0), "{report:?}");
        }
    };
    tokio::join!(purchases, comparisons);
    let report = compared(world).await;
    assert_eq!((report.compared, report.matched), (54, 54), "{report:?}");
    assert!(findings(world).await.is_empty());
}

//! What is in an exported file, and how it comes.

use entity::payment::PaymentStatus;
use futures_util::StreamExt;
use gudok::exports::{self, Csv};
use gudok::payments::PaymentFilter;
use gudok::refunds::RefundFilter;
use gudok::subscriptions::SubscriptionFilter;
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![
    payments_refunds_and_subscriptions_are_written_newest_first,
    filters_leave_the_rest_out,
    a_text_that_a_spreadsheet_would_run_is_defused,
    a_long_list_comes_in_pieces_and_every_row_once,
    an_empty_list_is_its_header,
];

/// The whole file, without its byte-order mark.
async fn file(mut csv: Csv) -> String {
    let mut bytes = Vec::new();
    while let Some(piece) = csv.next().await {
        bytes.extend(piece.expect("a piece"));
    }
    let text = String::from_utf8(bytes).expect("UTF-8");
    text.strip_prefix('\u{feff}').expect("a byte-order mark").to_owned()
}

/// The rows of a file: the header, then the others.
async fn rows(csv: Csv) -> Vec<Vec<String>> {
    let text = file(csv).await;
    assert!(text.ends_with("\r\n"));
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}

/// The column of this name.
fn column<'a>(rows: &'a [Vec<String>], name: &str) -> Vec<&'a str> {
    let at = rows[0].iter().position(|header| header == name).unwrap_or_else(|| panic!("no column {name}"));
    rows[1..].iter().map(|row| row[at].as_str()).collect()
}

async fn payments_refunds_and_subscriptions_are_written_newest_first(world: &World) {
    let plan = world.basic().await;
    let (first, second) = (world.buy("u1", &plan).await, world.buy("u2", &plan).await);
    world.refund(&first, Some(1_000)).await.expect(200);
    let payments = rows(exports::payments(&world.app, PaymentFilter::default())).await;
    assert_eq!(column(&payments, "order_id"), [&second.order_id, &first.order_id]);
    assert_eq!(column(&payments, "amount"), ["9900", "9900"]);
    assert_eq!(column(&payments, "balance_amount"), ["9900", "8900"]);
    assert_eq!(column(&payments, "status"), ["DONE", "PARTIAL_CANCELED"]);
    let shown = world.payment(&second).await;
    assert_eq!(column(&payments, "approved_at")[0], shown["approvedAt"].as_str().unwrap());
    for secret in ["secret", "idempotency", "account"] {
        assert!(!payments[0].iter().any(|header| header.contains(secret)), "{:?}", payments[0]);
    }
    let refunds = rows(exports::refunds(&world.app, RefundFilter::default())).await;
    assert_eq!(column(&refunds, "order_id"), [&first.order_id]);
    assert_eq!((column(&refunds, "amount"), column(&refunds, "reason")), (vec!["1000"], vec!["변심"]));
    world.advance(chrono::Duration::days(40));
    let now = world.app.clock.now();
    let all = rows(exports::subscriptions(&world.app, SubscriptionFilter::default(), now)).await;
    assert_eq!(column(&all, "user_id"), ["u2", "u1"]);
    assert_eq!(column(&all, "status"), ["EXPIRED", "EXPIRED"], "by the clock, without the nightly job");
    assert_eq!(column(&all, "is_active"), ["false", "false"]);
}

async fn filters_leave_the_rest_out(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    let early = world.buy("u1", &basic).await;
    world.advance(chrono::Duration::days(1));
    let between = world.app.clock.now();
    let late = world.buy("u2", &premium).await;
    world.refund(&late, None).await.expect(200);
    world.refund(&early, Some(100)).await.expect(200);
    let orders = async |filter| {
        let rows = rows(exports::payments(&world.app, filter)).await;
        column(&rows, "order_id").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let none = PaymentFilter::default;
    let wanted = [
        (PaymentFilter { to: Some(between), ..none() }, &early),
        (PaymentFilter { from: Some(between), ..none() }, &late),
        (PaymentFilter { status: Some(PaymentStatus::Canceled), ..none() }, &late),
        (PaymentFilter { plan_id: Some(basic.parse().unwrap()), ..none() }, &early),
        (PaymentFilter { user_id: Some("u2".parse().unwrap()), ..none() }, &late),
    ];
    for (filter, order) in wanted {
        assert_eq!(orders(filter.clone()).await, [order.order_id.as_str()], "{filter:?}");
    }
    let user = Some("u1".parse().unwrap());
    let refunds =
        rows(exports::refunds(&world.app, RefundFilter { user_id: user.clone(), ..RefundFilter::default() }));
    assert_eq!(column(&refunds.await, "order_id"), [&early.order_id]);
    let none = RefundFilter { to: Some(between), ..RefundFilter::default() };
    assert_eq!(
        rows(exports::refunds(&world.app, none)).await.len(),
        1,
        "refunds count by when they were asked for"
    );
    let own = SubscriptionFilter { user_id: user, ..SubscriptionFilter::default() };
    let own = rows(exports::subscriptions(&world.app, own, world.app.clock.now())).await;
    assert_eq!(column(&own, "user_id"), ["u1"]);
    let active = SubscriptionFilter { is_active: Some(true), ..SubscriptionFilter::default() };
    let active = rows(exports::subscriptions(&world.app, active, world.app.clock.now())).await;
    assert_eq!(column(&active, "user_id"), ["u1"]);
}

async fn a_text_that_a_spreadsheet_would_run_is_defused(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("-1", &plan).await;
    let reason = "=HYPERLINK(\"http://evil\",\"a, b\")";
    let body = json!({"cancelReason": reason, "cancelAmount": 100});
    world.service().post(&format!("/v1/payments/{}/cancel", order.order_id), body).await.expect(200);
    let refunds = rows(exports::refunds(&world.app, RefundFilter::default())).await;
    assert_eq!(column(&refunds, "reason"), [format!("'{reason}")]);
    let payments = rows(exports::payments(&world.app, PaymentFilter::default())).await;
    assert_eq!(column(&payments, "user_id"), ["'-1"]);
}

async fn a_long_list_comes_in_pieces_and_every_row_once(world: &World) {
    world.forge();
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    let number = if world.backend == Backend::Sqlite { "value" } else { "n" };
    let series = if world.backend == Backend::Sqlite {
        "(WITH RECURSIVE s(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM s WHERE value < 2500) SELECT value FROM s)"
    } else {
        "generate_series(1, 2500) AS s(n)"
    };
    // All of one instant, so that only the id tells them apart.
    let sql = format!(
        "INSERT INTO payment (order_id, user_id, plan_id, order_name, amount, balance_amount, currency, interval_months,
            status, failure_code, attempt, settle_tries, not_found_count, created_at, updated_at)
         SELECT 'forged-' || {number}, user_id, plan_id, order_name, amount, 0, currency, interval_months, 'ABORTED', 'X', 1,
            0, 0, created_at, updated_at FROM payment, {series}"
    );
    world.app.db.read().execute_unprepared(&sql).await.expect("forged");
    let pieces: Vec<_> = exports::payments(&world.app, PaymentFilter::default()).collect().await;
    assert_eq!(pieces.len(), 4, "the header and three batches");
    let all = rows(exports::payments(&world.app, PaymentFilter::default())).await;
    let orders: std::collections::HashSet<_> = column(&all, "order_id").into_iter().collect();
    assert_eq!((all.len(), orders.len()), (2_502, 2_501));
}

async fn an_empty_list_is_its_header(world: &World) {
    let text = file(exports::refunds(&world.app, RefundFilter::default())).await;
    assert!(text.starts_with("id,order_id,amount,") && text.ends_with("refunded_at\r\n"), "{text}");
    assert_eq!(text.lines().count(), 1);
}

//! Buying more of the same: time is appended in calendar months of Seoul, and none of it is lost.

use chrono::{DateTime, Datelike, Duration, FixedOffset, Months, TimeZone, Utc};
use futures_util::future::join_all;
use serde_json::Value;

use crate::support::scenario::scenarios;
use crate::support::world::{World, instant};

scenarios![
    an_extension_starts_where_the_last_period_ends,
    the_month_end_is_remembered_over_short_months,
    six_orders_of_one_user_at_once_give_six_months,
    who_comes_back_after_the_end_starts_at_the_approval,
    a_subscription_is_its_users_own,
];

/// What clocks in Seoul show; it has no summer time.
fn seoul(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    at.with_timezone(&FixedOffset::east_opt(9 * 3_600).expect("an offset"))
}

fn periods(subscription: &Value) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let rows = subscription["periods"].as_array().expect("periods");
    rows.iter().map(|row| (instant(&row["startsAt"]), instant(&row["endsAt"]))).collect()
}

async fn an_extension_starts_where_the_last_period_ends(world: &World) {
    let plan = world.basic().await;
    let first = world.buy("u1", &plan).await;
    let before = world.subscription("u1").await;
    world.advance(Duration::days(10));
    let second = world.buy("u1", &plan).await;
    let after = world.subscription("u1").await;
    assert_eq!(after["periods"][0], before["periods"][0]);
    assert_eq!(after["periods"][0]["orderId"], first.order_id);
    assert_eq!(after["periods"][1]["orderId"], second.order_id);
    assert_eq!(after["periods"][1]["startsAt"], before["endDate"]);
    assert_eq!(after["startDate"], before["startDate"]);
    assert_eq!(after["startDate"], world.payment(&first).await["approvedAt"]);
    let two_months = seoul(instant(&before["startDate"])).checked_add_months(Months::new(2)).expect("a date");
    assert_eq!(instant(&after["endDate"]), two_months);
    assert_eq!(after["id"], before["id"]);
}

async fn the_month_end_is_remembered_over_short_months(world: &World) {
    let zone = FixedOffset::east_opt(9 * 3_600).expect("an offset");
    let year = seoul(world.app.clock.now()).year() + 1;
    let january = zone.with_ymd_and_hms(year, 1, 31, 15, 0, 0).single().expect("an instant");
    world.advance_to(january.to_utc());
    let plan = world.basic().await;
    for _ in 0..4 {
        world.buy("u1", &plan).await;
    }
    let start = seoul(instant(&world.subscription("u1").await["startDate"]));
    assert_eq!((start.month(), start.day()), (1, 31));
    let february = if zone.with_ymd_and_hms(year, 2, 29, 0, 0, 0).single().is_some() { 29 } else { 28 };
    let ends = periods(&world.subscription("u1").await).into_iter().map(|(_, end)| seoul(end));
    let ends: Vec<_> = ends.map(|end| (end.month(), end.day(), end.time())).collect();
    // A month of `setMonth(+1)` would end on 3 March, and one that forgets its day on 28 March.
    let expected = [(2, february), (3, 31), (4, 30), (5, 31)].map(|(month, day)| (month, day, start.time()));
    assert_eq!(ends, expected);
}

async fn six_orders_of_one_user_at_once_give_six_months(world: &World) {
    let plan = world.basic().await;
    let mut orders = Vec::new();
    for _ in 0..6 {
        let order = world.order("u1", &plan).await;
        let key = world.authenticate(&order);
        orders.push((order, key));
    }
    for reply in join_all(orders.iter().map(|(order, key)| world.confirm(order, key))).await {
        assert_eq!(reply.expect(200)["payment"]["status"], "DONE");
    }
    let subscription = world.subscription("u1").await;
    let periods = periods(&subscription);
    assert_eq!(periods.len(), 6);
    assert!(periods.windows(2).all(|pair| pair[0].1 == pair[1].0), "{periods:?}");
    let six_months = seoul(instant(&subscription["startDate"])).checked_add_months(Months::new(6));
    assert_eq!(instant(&subscription["endDate"]), six_months.expect("a date"));
    let listed = world.admin().get("/v1/subscriptions").await;
    assert_eq!(listed.expect(200)["items"].as_array().map(Vec::len), Some(1));
}

async fn who_comes_back_after_the_end_starts_at_the_approval(world: &World) {
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    world.advance(Duration::days(40));
    let order = world.buy("u1", &plan).await;
    let subscription = world.subscription("u1").await;
    let approved_at = &world.payment(&order).await["approvedAt"];
    assert_eq!(&subscription["startDate"], approved_at);
    assert_eq!(&subscription["periods"][1]["startsAt"], approved_at);
    assert_eq!(subscription["endDate"], subscription["periods"][1]["endsAt"]);
    assert_eq!((&subscription["status"], &subscription["isActive"]), (&"ACTIVE".into(), &true.into()));
}

async fn a_subscription_is_its_users_own(world: &World) {
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    let own = world.user("u1").get("/v1/users/u1/subscription").await;
    assert_eq!(own.expect(200)["userId"], "u1");
    let foreign = world.user("u2").get("/v1/users/u1/subscription").await;
    foreign.expect_problem(404, "SUBSCRIPTION_NOT_FOUND");
}

//! Revenue by local day, to the won.

use chrono::Duration;
use gudok::figures::{Revenue, RevenueDay};
use serde_json::json;
use toss_sandbox::{Authenticate, PayMethod};

use super::{late_in_the_evening, since};
use crate::payments::compensated::{approved_twice, one_decade_too_many, tell_of_both};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    midnight_in_seoul_parts_the_days_and_a_refund_counts_when_it_went_back,
    a_deposit_that_the_bank_took_back_is_no_revenue,
    money_given_back_for_a_second_attempt_is_no_revenue,
    an_approval_that_could_not_be_honoured_leaves_nothing,
    event_entries_are_counted_by_day,
    charts_get_names_in_camel_case,
];

fn money(gross: i64, refunded: i64, payments: i64, refunds: i64) -> Revenue {
    Revenue { gross, refunded, net: gross - refunded, payments, refunds }
}

async fn midnight_in_seoul_parts_the_days_and_a_refund_counts_when_it_went_back(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    let first = late_in_the_evening(world);
    world.buy("u1", &basic).await;
    world.advance(Duration::minutes(20));
    let order = world.buy("u2", &premium).await;
    world.advance(Duration::days(1));
    world.refund(&order, Some(5_000)).await.expect(200);
    let figures = since(world, first).await;
    let (second, third) = (first + Duration::days(1), first + Duration::days(2));
    let days = [
        RevenueDay { day: first, revenue: money(9_900, 0, 1, 0) },
        RevenueDay { day: second, revenue: money(19_900, 0, 1, 0) },
        RevenueDay { day: third, revenue: money(0, 5_000, 0, 1) },
    ];
    assert_eq!(figures.revenue.days, days);
    assert_eq!(figures.revenue.total, money(29_800, 5_000, 2, 1));
    assert_eq!((figures.from, figures.to), (first, third));
    // What lies outside of the days is in no figure.
    assert_eq!(since(world, second).await.revenue.total, money(19_900, 5_000, 1, 1));
}

async fn a_deposit_that_the_bank_took_back_is_no_revenue(world: &World) {
    let basic = world.basic().await;
    let first = late_in_the_evening(world);
    let order = world.order("u1", &basic).await;
    let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    world.confirm(&order, &key).await.expect(200);
    let figures = since(world, first).await;
    assert_eq!((figures.open.deposits, figures.revenue.total), (1, Revenue::default()));
    world.toss.deposit(&key).expect("paid");
    world.advance(Duration::hours(2));
    world.run_job("settle-payments").await;
    let figures = since(world, first).await;
    assert_eq!((figures.open.deposits, figures.revenue.total), (0, money(9_900, 0, 1, 0)));
    assert_eq!((figures.subscriptions.active, figures.outcomes.approved), (1, 1));
    world.listen_to_webhooks();
    world.toss.reverse_deposit(&key).expect("reversed");
    world.work_webhooks_off().await;
    let figures = since(world, first).await;
    assert_eq!((figures.open.deposits, figures.revenue.total), (1, Revenue::default()));
    assert_eq!((figures.subscriptions.active, figures.subscriptions.total.lost), (0, 1));
}

async fn money_given_back_for_a_second_attempt_is_no_revenue(world: &World) {
    let first = late_in_the_evening(world);
    let order = approved_twice(world).await;
    tell_of_both(world, &order).await;
    world.settle().await;
    assert_eq!(world.ledger_of(&order), (2, 9_900), "Toss took the price twice, and once it went back");
    let figures = since(world, first).await;
    assert_eq!(figures.revenue.total, money(9_900, 0, 1, 0));
    assert_eq!((figures.open.compensations, figures.outcomes.approved), (0, 1));
}

async fn an_approval_that_could_not_be_honoured_leaves_nothing(world: &World) {
    let first = late_in_the_evening(world);
    one_decade_too_many(world).await;
    let figures = since(world, first).await;
    assert_eq!((figures.open.compensations, figures.open.payments), (1, 1));
    assert_eq!(figures.revenue.total, money(1_000_000, 0, 10, 0));
    world.settle().await;
    let figures = since(world, first).await;
    assert_eq!((figures.open.compensations, figures.open.payments), (0, 0));
    assert_eq!(figures.revenue.total, money(1_100_000, 100_000, 11, 1));
    assert_eq!(figures.subscriptions.total.new + figures.subscriptions.total.renewed, 10);
}

async fn event_entries_are_counted_by_day(world: &World) {
    let event = world.event().await;
    let first = late_in_the_evening(world);
    let order = world.buy("u1", &event).await;
    world.advance(Duration::days(1));
    world.buy("u2", &event).await;
    world.refund(&order, Some(2_000)).await.expect(200);
    let figures = since(world, first).await.events;
    assert_eq!(figures.total, 8_000);
    let days: Vec<_> = figures.days.iter().map(|day| (day.added, day.taken, day.entries)).collect();
    assert_eq!(days, [(5_000, 0, 1), (5_000, 2_000, 2)]);
}

async fn charts_get_names_in_camel_case(world: &World) {
    let plan = world.basic().await;
    let first = late_in_the_evening(world);
    world.buy("u1", &plan).await;
    let shown = serde_json::to_value(since(world, first).await).expect("JSON");
    let day = json!({"day": first, "gross": 9_900, "refunded": 0, "net": 9_900, "payments": 1, "refunds": 0});
    assert_eq!(shown["revenue"]["days"], json!([day]));
    assert_eq!(shown["outcomes"]["approvedPerMille"], 1_000);
    assert_eq!(shown["subscriptions"]["plans"][0]["planId"], plan);
}

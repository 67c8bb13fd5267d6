//! Buying another plan while one runs: a dearer one starts now, a cheaper one queues, and nobody loses paid time.

use chrono::{DateTime, Duration, Utc};

use crate::support::scenario::scenarios;
use crate::support::world::{World, instant};

scenarios![
    a_dearer_plan_starts_now_and_the_rest_follows,
    a_cheaper_plan_queues_at_the_end,
    the_plan_follows_the_clock_without_any_job,
    dear_and_cheap_are_judged_by_the_month,
    refunding_the_dearer_plan_gives_the_interrupted_one_back_unbroken,
];

/// Plan, start and end of each live period.
async fn line(world: &World, user: &str) -> Vec<(String, DateTime<Utc>, DateTime<Utc>)> {
    let subscription = world.subscription(user).await;
    let rows = subscription["periods"].as_array().expect("periods").clone();
    let row = |row: &serde_json::Value| {
        (row["planId"].as_str().unwrap().to_owned(), instant(&row["startsAt"]), instant(&row["endsAt"]))
    };
    rows.iter().map(row).collect()
}

async fn a_dearer_plan_starts_now_and_the_rest_follows(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    world.buy("u1", &basic).await;
    let before = line(world, "u1").await;
    world.advance(Duration::days(10));
    let order = world.buy("u1", &premium).await;
    let approved_at = instant(&world.payment(&order).await["approvedAt"]);
    let subscription = world.subscription("u1").await;
    assert_eq!(subscription["planId"], premium);
    assert_eq!(subscription["plan"]["type"], "PREMIUM");
    let after = line(world, "u1").await;
    assert_eq!(after.len(), 2);
    assert_eq!((&after[0].0, after[0].1), (&premium, approved_at));
    assert_eq!((&after[1].0, after[1].1), (&basic, after[0].2));
    // Ten days were used; every second of the rest comes after.
    assert_eq!(after[1].2 - after[1].1, before[0].2 - approved_at);
}

async fn a_cheaper_plan_queues_at_the_end(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    world.buy("u1", &premium).await;
    let before = line(world, "u1").await;
    world.advance(Duration::days(10));
    world.buy("u1", &basic).await;
    assert_eq!(world.subscription("u1").await["planId"], premium);
    let after = line(world, "u1").await;
    assert_eq!(after[0], before[0]);
    assert_eq!((&after[1].0, after[1].1), (&basic, before[0].2));
    // Who extends the dear plan does not fall back to the cheap one in between.
    world.buy("u1", &premium).await;
    let plans: Vec<_> = line(world, "u1").await.into_iter().map(|(plan, ..)| plan).collect();
    assert_eq!(plans, [premium.clone(), premium, basic]);
}

async fn the_plan_follows_the_clock_without_any_job(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    world.buy("u1", &premium).await;
    world.buy("u1", &basic).await;
    let switch = line(world, "u1").await[0].2;
    world.advance_to(switch - Duration::minutes(10));
    assert_eq!(world.subscription("u1").await["planId"], premium);
    world.advance_to(switch);
    let subscription = world.subscription("u1").await;
    assert_eq!(
        (&subscription["planId"], &subscription["plan"]["id"]),
        (&basic.clone().into(), &basic.clone().into())
    );
    assert_eq!(subscription["isActive"], true);
    world.advance_to(instant(&subscription["endDate"]));
    let ended = world.subscription("u1").await;
    assert_eq!((&ended["planId"], &ended["status"]), (&basic.into(), &"EXPIRED".into()));
}

async fn dear_and_cheap_are_judged_by_the_month(world: &World) {
    let monthly = world.basic().await;
    let yearly = world.plan("YEAR", "BASIC", 99_000, Some(12)).await;
    world.buy("u1", &monthly).await;
    // More money, but 8,250 a month: it must not push the running month away.
    world.buy("u1", &yearly).await;
    let plans: Vec<_> = line(world, "u1").await.into_iter().map(|(plan, ..)| plan).collect();
    assert_eq!(plans, [monthly, yearly]);
}

async fn refunding_the_dearer_plan_gives_the_interrupted_one_back_unbroken(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    world.buy("u1", &basic).await;
    let before = world.subscription("u1").await;
    world.advance(Duration::days(10));
    let order = world.buy("u1", &premium).await;
    world.advance(Duration::days(2));
    let reply = world.refund(&order, None).await;
    let after = &reply.expect(200)["subscription"];
    for member in ["planId", "status", "isActive", "startDate", "endDate", "periods"] {
        assert_eq!(after[member], before[member], "{member}");
    }
}

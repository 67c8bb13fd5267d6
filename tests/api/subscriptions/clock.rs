//! Answers follow the clock to the second, whether or not the nightly job has run.

use chrono::Duration;
use entity::subscription::SubscriptionStatus;

use crate::support::scenario::scenarios;
use crate::support::world::{World, instant};

scenarios![
    a_subscription_runs_until_the_microsecond_before_its_end,
    an_ended_subscription_is_inactive_without_the_job,
    list_filters_follow_the_clock,
    those_who_wait_for_the_nightly_job_are_leafed_through_newest_first,
    a_user_without_purchases_has_no_subscription,
];

async fn a_subscription_runs_until_the_microsecond_before_its_end(world: &World) {
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    let end = instant(&world.subscription("u1").await["endDate"]);
    let user = "u1".parse().expect("an id");
    // A clock that runs cannot be caught at an exact instant, so the read is given one.
    for (at, expected) in
        [(end - Duration::microseconds(1), SubscriptionStatus::Active), (end, SubscriptionStatus::Expired)]
    {
        let found = gudok::subscriptions::of_user(world.app.db.read(), &user, at).await.unwrap();
        assert_eq!(found.expect("a subscription").status, expected, "at {at}");
    }
}

async fn an_ended_subscription_is_inactive_without_the_job(world: &World) {
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    let end = instant(&world.subscription("u1").await["endDate"]);
    world.advance_to(end - Duration::minutes(10));
    let before = world.subscription("u1").await;
    assert_eq!((&before["status"], &before["isActive"]), (&"ACTIVE".into(), &true.into()));
    world.advance_to(end);
    let after = world.subscription("u1").await;
    assert_eq!((&after["status"], &after["isActive"]), (&"EXPIRED".into(), &false.into()));
    assert_eq!((&after["planId"], &after["endDate"]), (&before["planId"], &before["endDate"]));
    world.run_job("expire-subscriptions").await;
    let expired = world.subscription("u1").await;
    assert_eq!((&expired["status"], &expired["isActive"]), (&"EXPIRED".into(), &false.into()));
}

/// The users that a listing shows, in alphabetical order.
async fn users(world: &World, query: &str) -> Vec<String> {
    let reply = world.admin().get(&format!("/v1/subscriptions?{query}")).await;
    let items = reply.expect(200)["items"].as_array().expect("items").clone();
    let mut users: Vec<_> = items.iter().map(|item| item["userId"].as_str().unwrap().to_owned()).collect();
    for item in &items {
        assert_eq!(item["isActive"], item["status"] == "ACTIVE");
        assert_eq!(item["planId"], item["plan"]["id"]);
        assert!(item["periods"].is_null());
    }
    users.sort();
    users
}

async fn list_filters_follow_the_clock(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    world.buy("once", &basic).await;
    world.buy("switching", &premium).await;
    world.buy("switching", &basic).await;
    let returned = world.buy("returned", &basic).await;
    world.refund(&returned, None).await.expect(200);
    let (is_basic, is_premium) = (format!("planId={basic}"), format!("planId={premium}"));
    for job_has_run in [false, true] {
        if job_has_run {
            world.run_job("expire-subscriptions").await;
        }
        assert_eq!(users(world, "isActive=true").await, ["once", "switching"]);
        assert_eq!(users(world, "isActive=false").await, ["returned"]);
        assert_eq!(users(world, &is_premium).await, ["switching"]);
    }
    world.advance(Duration::days(40));
    // The first month has ended for both: one stopped, one fell back to the plan that waited.
    for job_has_run in [false, true] {
        if job_has_run {
            world.run_job("expire-subscriptions").await;
        }
        assert_eq!(users(world, "isActive=true").await, ["switching"]);
        assert_eq!(users(world, "isActive=false").await, ["once", "returned"]);
        assert_eq!(users(world, &is_premium).await, Vec::<String>::new());
        assert_eq!(users(world, &format!("isActive=true&{is_basic}")).await, ["switching"]);
        assert_eq!(users(world, &is_basic).await, ["once", "returned", "switching"]);
    }
    world.advance(Duration::days(40));
    for job_has_run in [false, true] {
        if job_has_run {
            world.run_job("expire-subscriptions").await;
        }
        assert_eq!(users(world, "isActive=true").await, Vec::<String>::new());
        assert_eq!(users(world, "isActive=false").await, ["once", "returned", "switching"]);
        assert_eq!(users(world, &is_basic).await, ["once", "returned", "switching"]);
    }
}

async fn those_who_wait_for_the_nightly_job_are_leafed_through_newest_first(world: &World) {
    let plan = world.basic().await;
    // The oldest ends last, and between the first end and the last lie more days than are looked up one by one.
    for (user, days) in [("u1", 0), ("u1", 0), ("u2", 1), ("u3", 30), ("u4", 60), ("u5", 0)] {
        world.advance(Duration::days(days));
        world.buy(user, &plan).await;
    }
    for days in [0, 40] {
        world.advance(Duration::days(days));
        let (mut seen, mut next) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/subscriptions?isActive=false&planId={plan}&limit=2{next}");
            let page = world.admin().get(&path).await.expect(200).clone();
            let items = page["items"].as_array().expect("items");
            seen.extend(items.iter().map(|item| item["userId"].as_str().expect("an id").to_owned()));
            let Some(cursor) = page["nextCursor"].as_str() else { break };
            next = format!("&cursor={cursor}");
        }
        let over: &[&str] = if days == 0 { &["u3", "u2", "u1"] } else { &["u5", "u4", "u3", "u2", "u1"] };
        assert_eq!(seen, over);
    }
}

async fn a_user_without_purchases_has_no_subscription(world: &World) {
    let plan = world.event().await;
    world.service().get("/v1/users/u1/subscription").await.expect_problem(404, "SUBSCRIPTION_NOT_FOUND");
    world.buy("u1", &plan).await;
    world.service().get("/v1/users/u1/subscription").await.expect_problem(404, "SUBSCRIPTION_NOT_FOUND");
    assert_eq!(users(world, "").await, Vec::<String>::new());
}

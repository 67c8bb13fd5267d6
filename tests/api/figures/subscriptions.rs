//! Who came, stayed and went, and what they bring in a month.

use chrono::Duration;
use gudok::figures::{Flow, Overview};

use super::{late_in_the_evening, since, today};
use crate::support::scenario::scenarios;
use crate::support::world::{World, instant};

scenarios![
    a_first_purchase_is_new_and_the_next_is_a_renewal,
    a_subscription_that_ran_out_is_lost_once_until_it_comes_back,
    a_refunded_subscription_is_lost_when_it_was_refunded,
    a_dearer_plan_in_between_renews_and_loses_nobody,
    monthly_revenue_follows_the_period_that_runs,
];

fn flow(new: i64, renewed: i64, lost: i64) -> Flow {
    Flow { new, renewed, lost }
}

fn flows(figures: &Overview) -> Vec<Flow> {
    figures.subscriptions.days.iter().map(|day| day.flow).collect()
}

async fn a_first_purchase_is_new_and_the_next_is_a_renewal(world: &World) {
    let plan = world.basic().await;
    let first = late_in_the_evening(world);
    world.buy("u1", &plan).await;
    world.advance(Duration::minutes(20));
    world.buy("u1", &plan).await;
    world.buy("u2", &plan).await;
    let figures = since(world, first).await;
    assert_eq!(flows(&figures), [flow(1, 0, 0), flow(1, 1, 0)]);
    assert_eq!(figures.subscriptions.total, flow(2, 1, 0));
    assert_eq!(figures.subscriptions.active, 2, "a period that waits is not another subscription");
}

async fn a_subscription_that_ran_out_is_lost_once_until_it_comes_back(world: &World) {
    let plan = world.basic().await;
    let first = late_in_the_evening(world);
    world.buy("u1", &plan).await;
    let end = instant(&world.subscription("u1").await["endDate"]);
    world.advance_to(end - Duration::seconds(60));
    let before = since(world, first).await.subscriptions;
    assert_eq!((before.active, before.total), (1, flow(1, 0, 0)));
    world.advance_to(end);
    let last = today(world);
    let lost = since(world, first).await;
    assert_eq!((lost.subscriptions.active, lost.subscriptions.total), (0, flow(1, 0, 1)));
    assert_eq!(flows(&lost).last(), Some(&flow(0, 0, 1)), "on {last}");
    assert_eq!((lost.subscriptions.mrr, lost.subscriptions.plans.len()), (0, 0));
    // The nightly job and further days change nothing of it.
    world.run_job("expire-subscriptions").await;
    world.advance(Duration::days(2));
    assert_eq!(since(world, first).await.subscriptions.total, flow(1, 0, 1));
    world.buy("u1", &plan).await;
    let back = since(world, first).await.subscriptions;
    assert_eq!((back.active, back.total), (1, flow(2, 0, 0)));
}

async fn a_refunded_subscription_is_lost_when_it_was_refunded(world: &World) {
    let plan = world.basic().await;
    let first = late_in_the_evening(world);
    let order = world.buy("u1", &plan).await;
    world.advance(Duration::days(1));
    world.refund(&order, Some(1_000)).await.expect(200);
    assert_eq!(since(world, first).await.subscriptions.active, 1, "a part takes no time back");
    world.refund(&order, None).await.expect(200);
    let figures = since(world, first).await;
    assert_eq!(flows(&figures), [flow(1, 0, 0), flow(0, 0, 1)]);
    assert_eq!((figures.subscriptions.active, figures.subscriptions.mrr), (0, 0));
    // Bought again at once, it is new again.
    world.buy("u1", &plan).await;
    assert_eq!(flows(&since(world, first).await), [flow(1, 0, 0), flow(1, 0, 0)]);
}

async fn a_dearer_plan_in_between_renews_and_loses_nobody(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    let first = late_in_the_evening(world);
    world.buy("u1", &basic).await;
    world.advance(Duration::days(10));
    let order = world.buy("u1", &premium).await;
    let figures = since(world, first).await.subscriptions;
    assert_eq!((figures.active, figures.mrr, figures.total), (1, 19_900, flow(1, 1, 0)));
    world.refund(&order, None).await.expect(200);
    let figures = since(world, first).await.subscriptions;
    assert_eq!((figures.active, figures.mrr, figures.total), (1, 9_900, flow(1, 1, 0)));
}

async fn monthly_revenue_follows_the_period_that_runs(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    let yearly = world.plan("YEARLY", "PREMIUM", 100_000, Some(12)).await;
    let first = late_in_the_evening(world);
    world.buy("u1", &premium).await;
    world.buy("u1", &basic).await;
    for user in ["u2", "u3"] {
        world.buy(user, &yearly).await;
    }
    let plans = |figures: &Overview| -> Vec<(String, i64, i64)> {
        figures.subscriptions.plans.iter().map(|plan| (plan.code.clone(), plan.active, plan.mrr)).collect()
    };
    let figures = since(world, first).await;
    assert_eq!(plans(&figures), [("PREMIUM".to_owned(), 1, 19_900), ("YEARLY".to_owned(), 2, 16_666)]);
    assert_eq!((figures.subscriptions.active, figures.subscriptions.mrr), (3, 36_566));
    // The cheaper plan takes over by the clock, without the nightly job.
    let switch = instant(&world.subscription("u1").await["periods"][1]["startsAt"]);
    world.advance_to(switch);
    let figures = since(world, first).await;
    assert_eq!(plans(&figures), [("YEARLY".to_owned(), 2, 16_666), ("BASIC".to_owned(), 1, 9_900)]);
}

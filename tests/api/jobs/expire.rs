//! The nightly job: it brings the columns that SQL readers see up to the clock.

use chrono::Duration;
use entity::subscription::{self, SubscriptionStatus};
use gudok::audit::Actor;
use gudok::jobs::{Job, run_to_end};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::support::crowd::{Hold, awaited_by};
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::{World, instant};

scenarios![
    an_ended_subscription_is_expired_in_its_columns,
    the_plan_column_switches_when_the_next_period_has_begun,
    running_it_again_changes_nothing,
    several_missed_switches_are_made_up_in_one_run,
    a_subscription_whose_switches_were_all_missed_ends_with_its_last_plan,
    a_refunded_subscription_stays_canceled,
    a_renewal_that_commits_while_the_job_waits_for_it_stands,
    a_renewal_that_waits_for_the_job_leaves_nothing_of_its_work,
    a_row_without_a_period_keeps_nobody_behind_it_from_their_turn,
    what_a_clock_that_was_ahead_has_ended_runs_again_after_the_check,
];

async fn columns(world: &World, user: &str) -> subscription::Model {
    let user: entity::UserId = user.parse().expect("an id");
    let own = subscription::Entity::find().filter(subscription::Column::UserId.eq(user));
    own.one(world.app.db.read()).await.expect("read").expect("a subscription")
}

async fn an_ended_subscription_is_expired_in_its_columns(world: &World) {
    let plan = world.basic().await;
    world.buy("ends", &plan).await;
    world.buy("runs", &plan).await;
    world.buy("runs", &plan).await;
    world.advance(Duration::days(32));
    let before = columns(world, "ends").await;
    assert!(before.is_active, "the columns wait for the job");
    assert_eq!(world.run_job("expire-subscriptions").await, 1);
    let after = columns(world, "ends").await;
    assert_eq!((after.status, after.is_active), (SubscriptionStatus::Expired, false));
    assert_eq!((after.plan_id, after.end_date), (before.plan_id, before.end_date));
    let other = columns(world, "runs").await;
    assert_eq!((other.status, other.is_active), (SubscriptionStatus::Active, true));
}

async fn the_plan_column_switches_when_the_next_period_has_begun(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    world.buy("u1", &premium).await;
    world.buy("u1", &basic).await;
    assert_eq!(world.run_job("expire-subscriptions").await, 0);
    assert_eq!(columns(world, "u1").await.plan_id.to_string(), premium);
    let switch = instant(&world.subscription("u1").await["periods"][1]["startsAt"]);
    world.advance_to(switch);
    assert_eq!(world.run_job("expire-subscriptions").await, 1);
    let row = columns(world, "u1").await;
    assert_eq!(
        (row.plan_id.to_string(), row.status, row.is_active),
        (basic, SubscriptionStatus::Active, true)
    );
    assert_eq!(row.changes_at, Some(row.end_date));
    assert_eq!(world.run_job("expire-subscriptions").await, 0);
}

async fn running_it_again_changes_nothing(world: &World) {
    let plan = world.basic().await;
    for user in ["u1", "u2", "u3"] {
        world.buy(user, &plan).await;
    }
    world.advance(Duration::days(40));
    assert_eq!(world.run_job("expire-subscriptions").await, 3);
    let before = columns(world, "u1").await;
    world.advance(Duration::days(1));
    assert_eq!(world.run_job("expire-subscriptions").await, 0);
    assert_eq!(columns(world, "u1").await, before);
}

async fn several_missed_switches_are_made_up_in_one_run(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    let middle = world.plan("MIDDLE", "BASIC", 15_000, Some(1)).await;
    for plan in [&premium, &middle, &basic] {
        world.buy("u1", plan).await;
    }
    let last = instant(&world.subscription("u1").await["periods"][2]["startsAt"]);
    world.advance_to(last + Duration::days(1));
    assert_eq!(world.run_job("expire-subscriptions").await, 1);
    assert_eq!(columns(world, "u1").await.plan_id.to_string(), basic);
    world.advance(Duration::days(400));
    assert_eq!(world.run_job("expire-subscriptions").await, 1);
    let row = columns(world, "u1").await;
    assert_eq!((row.plan_id.to_string(), row.status), (basic, SubscriptionStatus::Expired));
}

async fn a_subscription_whose_switches_were_all_missed_ends_with_its_last_plan(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    for plan in [&premium, &basic] {
        world.buy("u1", plan).await;
    }
    world.advance(Duration::days(400));
    assert_eq!(world.run_job("expire-subscriptions").await, 1);
    let row = columns(world, "u1").await;
    assert_eq!((row.plan_id.to_string(), row.status), (basic, SubscriptionStatus::Expired));
}

async fn a_refunded_subscription_stays_canceled(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    world.refund(&order, None).await.expect(200);
    let before = columns(world, "u1").await;
    assert_eq!((before.status, before.is_active), (SubscriptionStatus::Canceled, false));
    world.advance(Duration::days(40));
    assert_eq!(world.run_job("expire-subscriptions").await, 0);
    assert_eq!(columns(world, "u1").await, before);
}

async fn a_renewal_that_commits_while_the_job_waits_for_it_stands(world: &World) {
    // SQLite has one writer: there the job begins only when the renewal has ended.
    if world.backend == Backend::Sqlite {
        return;
    }
    // Its renewal has no payment.
    world.forge();
    world.buy("u1", &world.basic().await).await;
    world.advance(Duration::days(32));
    let later = "'2100-01-01T00:00:00Z'";
    let renewal = format!("UPDATE subscription SET end_date = {later}, changes_at = {later}");
    let renewal = Hold::of(world, &renewal).await;
    let (changed, ()) =
        tokio::join!(world.run_job("expire-subscriptions"), released_once_awaited(world, renewal));
    let standing = columns(world, "u1").await;
    assert_eq!((changed, standing.status, standing.is_active), (0, SubscriptionStatus::Active, true));
}

async fn a_renewal_that_waits_for_the_job_leaves_nothing_of_its_work(world: &World) {
    // SQLite has one writer: there the renewal begins only when the job has ended.
    if world.backend == Backend::Sqlite {
        return;
    }
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    world.advance(Duration::days(32));
    let job = "UPDATE subscription SET status = 'EXPIRED', is_active = false, changes_at = NULL";
    let job = Hold::of(world, job).await;
    let (_order, ()) = tokio::join!(world.buy("u1", &plan), released_once_awaited(world, job));
    let row = columns(world, "u1").await;
    assert_eq!(
        (row.status, row.is_active, row.changes_at),
        (SubscriptionStatus::Active, true, Some(row.end_date))
    );
}

/// Lets `held` go as soon as somebody waits for it.
async fn released_once_awaited(world: &World, held: Hold) {
    awaited_by(world, 1).await;
    held.release().await;
}

async fn a_row_without_a_period_keeps_nobody_behind_it_from_their_turn(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    // The first one's plan should have switched before it ended, the second one's is to switch now.
    for user in ["ended", "switches"] {
        world.buy(user, &premium).await;
        world.buy(user, &basic).await;
        world.advance(Duration::days(35));
    }
    world.buy("behind", &basic).await;
    world.forge();
    let revoke =
        format!("UPDATE subscription_period SET revoked_at = '{}'", world.app.clock.now().to_rfc3339());
    let of_two = "WHERE subscription_id IN (SELECT id FROM subscription WHERE user_id <> 'behind')";
    world.app.db.read().execute_unprepared(&format!("{revoke} {of_two}")).await.expect("revoked by hand");
    world.advance(Duration::days(32));
    assert_eq!(world.run_job("expire-subscriptions").await, 3);
    for user in ["ended", "behind"] {
        assert_eq!(columns(world, user).await.status, SubscriptionStatus::Expired, "{user}");
    }
    assert_eq!(columns(world, "ended").await.plan_id.to_string(), premium, "nothing tells of another");
}

async fn what_a_clock_that_was_ahead_has_ended_runs_again_after_the_check(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    world.buy("u1", &premium).await;
    world.buy("u1", &basic).await;
    let refunded = world.buy("u2", &basic).await;
    world.refund(&refunded, None).await.expect(200);
    let before = columns(world, "u1").await;
    let ahead = world.app.clock.now() + Duration::days(400);
    let by_hand = (&Actor::command_line(), |_progress| {});
    run_to_end(&world.app, Job::ExpireSubscriptions, by_hand, ahead).await.expect("a run");
    assert_eq!(columns(world, "u1").await.status, SubscriptionStatus::Expired);
    assert_eq!(world.subscription("u1").await["status"], "ACTIVE", "a check goes by the clock");
    world.run_job("check").await;
    let after = columns(world, "u1").await;
    assert_eq!((after.status, after.is_active), (SubscriptionStatus::Active, true));
    assert_eq!((after.plan_id, after.changes_at), (before.plan_id, before.changes_at));
    assert_eq!(columns(world, "u2").await.status, SubscriptionStatus::Canceled);
    let active = world.admin().get("/v1/subscriptions?isActive=true").await;
    assert_eq!(active.expect(200)["items"].as_array().map(Vec::len), Some(1));
    // What is due from here on is done as if nothing had happened.
    world.advance(Duration::days(32));
    assert_eq!(world.run_job("expire-subscriptions").await, 1);
    assert_eq!(columns(world, "u1").await.plan_id.to_string(), basic);
}

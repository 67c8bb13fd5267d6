//! What a refund leaves: the periods that never buying it would have left.

use chrono::{DateTime, Duration, FixedOffset, TimeZone, Utc};

use crate::support::scenario::scenarios;
use crate::support::world::{Order, World, instant};

scenarios![
    refund_of_an_extension_keeps_the_first_month,
    refund_of_the_first_month_moves_the_second_up,
    refund_of_all_but_one_leaves_that_one,
    refunding_one_of_several_leaves_what_never_buying_it_would_have_left,
];

async fn refund_of_an_extension_keeps_the_first_month(world: &World) {
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    let before = world.subscription("u1").await;
    world.advance(Duration::days(20));
    let extension = world.buy("u1", &plan).await;
    let reply = world.refund(&extension, None).await;
    let after = &reply.expect(200)["subscription"];
    for member in ["planId", "status", "isActive", "startDate", "endDate", "periods"] {
        assert_eq!(after[member], before[member], "{member}");
    }
    assert_eq!(after["isActive"], true);
}

async fn refund_of_the_first_month_moves_the_second_up(world: &World) {
    let plan = world.basic().await;
    let first = world.buy("u1", &plan).await;
    world.advance(Duration::days(1));
    let second = world.buy("u1", &plan).await;
    let reply = world.refund(&first, None).await;
    let after = &reply.expect(200)["subscription"];
    let periods = after["periods"].as_array().expect("periods");
    assert_eq!(periods.len(), 1);
    assert_eq!(periods[0]["orderId"], second.order_id);
    assert_eq!(periods[0]["startsAt"], world.payment(&second).await["approvedAt"]);
    assert_eq!((&after["startDate"], &after["endDate"]), (&periods[0]["startsAt"], &periods[0]["endsAt"]));
    assert_eq!(after["isActive"], true);
}

async fn refund_of_all_but_one_leaves_that_one(world: &World) {
    let plan = world.basic().await;
    let mut orders = Vec::new();
    for _ in 0..4 {
        orders.push(world.buy("u1", &plan).await);
        world.advance(Duration::hours(5));
    }
    let kept = orders.remove(2);
    for order in &orders {
        world.refund(order, None).await.expect(200);
    }
    let left = world.subscription("u1").await;
    assert_eq!(left["periods"].as_array().map(Vec::len), Some(1));
    assert_eq!(left["startDate"], world.payment(&kept).await["approvedAt"]);
    assert_eq!((&left["status"], &left["isActive"]), (&"ACTIVE".into(), &true.into()));
    world.refund(&kept, None).await.expect(200);
    assert_eq!(world.subscription("u1").await["status"], "CANCELED");
}

/// A generator that is the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Plan, start and end of each live period.
async fn line(world: &World, user: &str) -> Vec<(String, DateTime<Utc>, DateTime<Utc>)> {
    let subscription = world.subscription(user).await;
    let rows = subscription["periods"].as_array().expect("periods").clone();
    let row = |row: &serde_json::Value| {
        (row["planId"].as_str().unwrap().to_owned(), instant(&row["startsAt"]), instant(&row["endsAt"]))
    };
    rows.iter().map(row).collect()
}

async fn refunding_one_of_several_leaves_what_never_buying_it_would_have_left(world: &World) {
    let yearly = world.plan("YEAR", "BASIC", 99_000, Some(12)).await;
    let plans = [world.basic().await, world.premium().await, yearly];
    for seed in [1, 2, 3, 5, 8, 13, 21] {
        let mut dice = Dice(seed);
        // At half past an hour, so that no purchase comes near a midnight at which two users could get different days.
        let zone = FixedOffset::east_opt(9 * 3_600).expect("an offset");
        let tomorrow = world.app.clock.now().with_timezone(&zone).date_naive() + Duration::days(1);
        let noon = zone.from_local_datetime(&tomorrow.and_hms_opt(12, 30, 0).expect("a time")).single();
        world.advance_to(noon.expect("an instant").to_utc());
        let (buyer, other) = (format!("buyer-{seed}"), format!("other-{seed}"));
        let refunded = dice.roll(4);
        let mut returned: Option<Order> = None;
        for purchase in 0..4 {
            let plan = &plans[usize::try_from(dice.roll(3)).expect("small")];
            let order = world.buy(&buyer, plan).await;
            if purchase == refunded {
                returned = Some(order);
            } else {
                world.buy(&other, plan).await;
            }
            // Four purchases fit into the three days in which the first can still be refunded.
            world.advance(Duration::hours(i64::try_from(dice.roll(20)).expect("small")));
        }
        world.refund(&returned.expect("one of the four"), None).await.expect(200);
        let (left, expected) = (line(world, &buyer).await, line(world, &other).await);
        assert_eq!(left.len(), 3, "seed {seed}");
        for (left, expected) in left.iter().zip(&expected) {
            assert_eq!(left.0, expected.0, "seed {seed}: the order of the plans");
            // The two buy one after the other, and Toss tells an approval by the second. Moves of hours are far off.
            for (one, two) in [(left.1, expected.1), (left.2, expected.2)] {
                assert!((one - two).abs() < Duration::minutes(15), "seed {seed}: {one} and {two}");
            }
        }
    }
}

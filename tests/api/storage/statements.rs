//! How often a purchase and a check go to the database: what is not needed is not asked.

use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![
    a_purchase_asks_the_database_no_more_than_it_must,
    a_check_is_one_statement_the_first_time_and_every_time,
];

/// Beginnings and ends of transactions are not counted: a purchase has three of each.
async fn a_purchase_asks_the_database_no_more_than_it_must(world: &World) {
    let (basic, event) = (world.basic().await, world.event().await);
    world.buy("somebody", &basic).await;
    // The first purchase, the next one of the same time, and one of an event, which adds up the total.
    let expected = match world.backend {
        Backend::Postgres => [7, 7, 8],
        Backend::Sqlite => [13, 12, 12],
    };
    let mut seen = Vec::new();
    for plan in [&basic, &basic, &event] {
        let before = world.app.db.statements().get();
        world.buy("u1", plan).await;
        seen.push(world.app.db.statements().get() - before);
    }
    assert_eq!(seen, expected);
}

async fn a_check_is_one_statement_the_first_time_and_every_time(world: &World) {
    world.buy("u1", &world.basic().await).await;
    let client = world.service();
    for time in 0..3 {
        let before = world.app.db.statements().get();
        client.get("/v1/users/u1/subscription").await.expect(200);
        assert_eq!(world.app.db.statements().get() - before, 1, "time {time}");
    }
}

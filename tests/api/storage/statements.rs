//! How often a purchase goes to the database: what is not needed is not asked.

use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![a_purchase_asks_the_database_no_more_than_it_must];

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

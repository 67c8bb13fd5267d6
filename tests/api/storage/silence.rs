//! A database whose machine is lost without a word: no connection is closed, and none is answered any more.

use std::time::Duration;

use futures_util::future::join_all;

use crate::support::crowd::{Hold, awaited_by};
use crate::support::scenario::{Backend, scenarios};
use crate::support::way::Way;
use crate::support::world::World;

scenarios![what_was_asked_of_a_server_that_fell_silent_is_asked_of_the_next];

/// Far longer than it takes. Without a bound it would take for ever.
const AT_MOST: Duration = Duration::from_mins(4);

async fn what_was_asked_of_a_server_that_fell_silent_is_asked_of_the_next(world: &World) {
    if world.backend == Backend::Sqlite {
        // SQLite is a file in the same machine.
        return;
    }
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    let order = world.order("u2", &plan).await;
    let key = world.authenticate(&order);
    let way = Way::to(&world.variables["GUDOK__DATABASE__URL"]).await;
    let narrow = [("GUDOK__DATABASE__URL", way.url.as_str()), ("GUDOK__DATABASE__MAX_CONNECTIONS", "4")];
    let (_, client) = world.second_service_with(&narrow).await;
    let hold = Hold::of(world, "LOCK TABLE payment, subscription IN ACCESS EXCLUSIVE MODE").await;
    let lost = async {
        awaited_by(world, 2).await;
        way.falls_silent();
        hold.release().await;
    };
    let bought = client.post("/v1/payments/confirm", order.confirmation(&key));
    let all = async { tokio::join!(bought, client.get("/v1/users/u1/subscription"), lost) };
    let (bought, checked, ()) = tokio::time::timeout(AT_MOST, all).await.expect("everybody is answered");
    assert_eq!(checked.expect(200)["status"], "ACTIVE");
    assert!([200, 202].contains(&bought.status), "{}", bought.text);
    world.await_status(&order, "DONE").await;
    assert_eq!((world.confirms_received(&order), world.ledger_of(&order)), (1, (1, 9_900)));
    // No connection is still held by what was never answered.
    let paid = (0..8).map(async |buyer| {
        let order = world.order(&format!("buyer-{buyer}"), &plan).await;
        let key = world.authenticate(&order);
        client.post("/v1/payments/confirm", order.confirmation(&key)).await.expect(200);
    });
    tokio::time::timeout(AT_MOST, join_all(paid)).await.expect("everybody is answered");
}

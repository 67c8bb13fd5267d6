//! A database whose machine is lost without a word: no connection is closed, and none is answered any more.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Notify;

use crate::support::crowd::{Hold, awaited_by};
use crate::support::process::eventually;
use crate::support::scenario::{Backend, scenarios};
use crate::support::way::Way;
use crate::support::world::World;

scenarios![what_was_asked_of_a_server_that_fell_silent_is_asked_of_the_next];

/// Far longer than it takes. Without a bound it would take for ever.
const AT_MOST: Duration = Duration::from_mins(4);

/// How long is waited for as many as there are connections, before it is tried again.
const A_WHILE: Duration = Duration::from_secs(2);
/// Stops whoever asks for payments or subscriptions until it is let go.
const LOCK: &str = "LOCK TABLE payment, subscription IN ACCESS EXCLUSIVE MODE";
/// Connections of the service that loses its database: one for each request that is under way then.
const CONNECTIONS: i64 = 3;

async fn what_was_asked_of_a_server_that_fell_silent_is_asked_of_the_next(world: &World) {
    if world.backend == Backend::Sqlite {
        // SQLite is a file in the same machine.
        return;
    }
    let plan = world.basic().await;
    let known = world.buy("u1", &plan).await;
    let known = format!("/v1/payments/{}", known.order_id);
    let order = world.order("u2", &plan).await;
    let key = world.authenticate(&order);
    let way = Way::to(&world.variables["GUDOK__DATABASE__URL"]).await;
    let most = CONNECTIONS.to_string();
    let narrow = [("GUDOK__DATABASE__URL", way.url.as_str()), ("GUDOK__DATABASE__MAX_CONNECTIONS", &most)];
    let (_, client) = world.second_service_with(&narrow).await;
    let fell = Notify::new();
    let hold = Hold::of(world, LOCK).await;
    let lost = async {
        awaited_by(world, CONNECTIONS).await;
        way.falls_silent();
        fell.notify_one();
        hold.release().await;
    };
    let hung_up = async {
        tokio::select! {
            reply = client.get(&known) => panic!("answered: {}", reply.text),
            () = fell.notified() => {}
        }
    };
    let confirmation = order.confirmation(&key);
    let bought = client.post("/v1/payments/confirm", confirmation.clone());
    let all = async { tokio::join!(bought, client.get("/v1/users/u1/subscription"), hung_up, lost) };
    let (bought, checked, ..) = tokio::time::timeout(AT_MOST, all).await.expect("everybody is answered");
    assert_eq!(checked.expect(200)["status"], "ACTIVE");
    // It was told to come again, as it waits no longer than for Toss, and does so.
    assert!([200, 202, 503].contains(&bought.status), "{}", bought.text);
    let again = async || client.post("/v1/payments/confirm", confirmation.clone()).await.status;
    eventually("it is paid", async || (again().await == 200).then_some(())).await;
    assert_eq!((world.confirms_received(&order), world.ledger_of(&order)), (1, (1, 9_900)));
    // Whoever asked and whoever hung up has given the connection back: all of them work at once again.
    let whole = async {
        loop {
            let hold = Hold::of(world, LOCK).await;
            let asked = join_all((0..CONNECTIONS).map(async |_| client.get(&known).await.status));
            let released = async {
                let together = tokio::time::timeout(A_WHILE, awaited_by(world, CONNECTIONS)).await.is_ok();
                hold.release().await;
                together
            };
            let (asked, together) = tokio::join!(asked, released);
            if together && asked.iter().all(|status| *status == 200) {
                return;
            }
        }
    };
    tokio::time::timeout(AT_MOST, whole).await.expect("as many connections as before");
}

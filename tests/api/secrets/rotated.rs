//! Two secrets side by side while one takes the other's place: nothing stops, and nothing happens twice.

use gudok::app::App;
use serde_json::json;
use toss_sandbox::{Fault, FaultKind, Operation};

use crate::checkout::{Page, visit};
use crate::support::client::Client;
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    a_key_that_toss_does_not_know_stops_no_purchase_while_another_is_known,
    a_refund_under_the_next_key_happens_once,
    only_when_every_key_is_refused_is_the_service_misconfigured,
    only_an_unknown_key_is_followed_by_the_next,
    links_outlive_the_rotation_of_the_key_that_signed_them,
    links_outlive_the_rotation_of_the_signing_secret,
];

const KEY: &str = "GUDOK__TOSS__SECRET_KEY";
const UNKNOWN: &str = "test_gsk_of_which_toss_knows_nothing";

/// A service whose first key Toss does not know, and whose second it does.
async fn rotating(world: &World) -> (App, Client) {
    let keys = format!("{UNKNOWN}, {}", world.toss.secret_key());
    world.second_service_with(&[(KEY, &keys)]).await
}

async fn confirm(client: &Client, world: &World, order: &Order) -> crate::support::client::Reply {
    let key = world.authenticate(order);
    client.post("/v1/payments/confirm", order.confirmation(&key)).await
}

/// The statuses that Toss answered calls of this kind with.
fn statuses(world: &World, operation: Operation) -> Vec<u16> {
    let received = world.toss.received().into_iter().filter(|call| call.operation == operation);
    received.filter_map(|call| call.status).collect()
}

async fn a_key_that_toss_does_not_know_stops_no_purchase_while_another_is_known(world: &World) {
    let plan = world.event().await;
    let (_app, client) = rotating(world).await;
    for _ in 0..2 {
        let order = world.order("u1", &plan).await;
        let reply = confirm(&client, world, &order).await;
        assert_eq!(reply.expect(200)["payment"]["status"], "DONE");
        assert_eq!(world.ledger_of(&order), (1, 5_000));
    }
    // The first is asked under both keys, and from then on the one that works is used.
    assert_eq!(statuses(world, Operation::Confirm), [401, 200, 200]);
    let calls = world.toss.received();
    assert_eq!((&calls[0].idempotency_key, &calls[0].body), (&calls[1].idempotency_key, &calls[1].body));
}

async fn a_refund_under_the_next_key_happens_once(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let (_app, client) = rotating(world).await;
    let path = format!("/v1/payments/{}/cancel", order.order_id);
    // The answer to the one that Toss carries out is lost, so that the refund is asked about again.
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropAfter));
    let part = json!({"cancelReason": "변심", "cancelAmount": 1_000});
    let reply = client.post(&path, part).await;
    assert!([200, 202].contains(&reply.status), "{}", reply.text);
    world.settle().await;
    assert_eq!(world.ledger_of(&order), (1, 8_900));
    client.post(&path, json!({"cancelReason": "변심"})).await.expect(200);
    assert_eq!(world.ledger_of(&order), (1, 0));
}

async fn only_when_every_key_is_refused_is_the_service_misconfigured(world: &World) {
    let plan = world.event().await;
    let keys = format!("{UNKNOWN}, {UNKNOWN}_either");
    let (_app, client) = world.second_service_with(&[(KEY, &keys)]).await;
    let order = world.order("u1", &plan).await;
    confirm(&client, world, &order).await.expect_problem(503, "PG_UNAVAILABLE");
    assert_eq!(statuses(world, Operation::Confirm), [401, 401]);
    let items = world.admin().get("/v1/admin/attention").await.text;
    assert!(items.contains("MISCONFIGURED") && items.contains("UNAUTHORIZED_KEY"), "{items}");
    world.settle().await;
}

async fn only_an_unknown_key_is_followed_by_the_next(world: &World) {
    let plan = world.event().await;
    let (_app, client) =
        world.second_service_with(&[(KEY, &format!("{}, {UNKNOWN}", world.toss.secret_key()))]).await;
    let codes = [("REJECT_CARD_PAYMENT", 1), ("INVALID_API_KEY", 2)];
    for (code, asked) in codes {
        let order = world.order("u1", &plan).await;
        world.toss.inject(Fault::new(Operation::Confirm, FaultKind::ErrorBefore).code(code));
        let reply = confirm(&client, world, &order).await;
        assert!(reply.status >= 400, "{}", reply.text);
        assert_eq!(statuses(world, Operation::Confirm).len(), asked, "{code}");
        world.settle().await;
    }
}

/// The link to an order's page, as this service signs it.
async fn link(client: &Client, order: &Order) -> String {
    let reply = client.get(&format!("/v1/temp-orders/{}", order.order_id)).await;
    reply.expect(200)["checkoutUrl"].as_str().expect("a link").to_owned()
}

/// How `to` answers a link that `from` has made.
async fn followed(link: &str, from: &App, to: &App) -> u16 {
    visit(&link.replace(&from.public_url(), &to.public_url())).await.status
}

async fn links_outlive_the_rotation_of_the_key_that_signed_them(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let (rotated, client) = rotating(world).await;
    let (done, _client) = world.second_service_with(&[(KEY, UNKNOWN)]).await;
    assert_eq!(followed(&page.url, &world.app, &rotated).await, 200);
    assert_eq!(followed(&page.url, &world.app, &done).await, 404);
    // What is signed from now on is signed by the new key.
    let link = link(&client, &page.order).await;
    assert_ne!(link.replace(&rotated.public_url(), &world.base), page.url);
    assert_eq!(followed(&link, &rotated, &done).await, 200);
}

async fn links_outlive_the_rotation_of_the_signing_secret(world: &World) {
    const SIGNING: &str = "GUDOK__AUTH__SIGNING_SECRET";
    let (old, new) = ("o".repeat(32), "n".repeat(32));
    let order = world.order("u1", &world.basic().await).await;
    let (before, client) = world.second_service_with(&[(SIGNING, &old)]).await;
    let link = link(&client, &order).await;
    for (secrets, status) in [(format!("{new}, {old}"), 200), (new, 404)] {
        let (after, _client) = world.second_service_with(&[(SIGNING, &secrets)]).await;
        assert_eq!(followed(&link, &before, &after).await, status);
    }
}

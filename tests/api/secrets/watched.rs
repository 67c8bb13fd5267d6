//! The watch that every scenario is under sees what it is there for.

use entity::api_key::ApiKeyRole;
use gudok::api_keys::{self, NewKey};
use gudok::audit::Actor;
use secrecy::ExposeSecret;

use crate::support::client::{ADMIN_KEY, user_token};
use crate::support::leaks::{self, Place};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    every_line_down_to_the_least_important_is_watched,
    a_secret_is_known_by_what_it_is_or_by_its_looks,
];

async fn every_line_down_to_the_least_important_is_watched(world: &World) {
    let mark = world.order("u1", &world.basic().await).await.order_id;
    tracing::trace!(target: "gudok::watched", "a line with {mark}");
    assert!(leaks::was_said(&format!("a line with {mark}")));
    // What the service says by itself is among it.
    world.service().get(&format!("/v1/temp-orders/{mark}")).await.expect(200);
    assert!(leaks::was_said("answered"));
}

async fn a_secret_is_known_by_what_it_is_or_by_its_looks(world: &World) {
    let token = user_token("u1", &world.app.clock);
    let new = NewKey { role: ApiKeyRole::Admin, name: None, expires_at: None };
    let key =
        api_keys::create(&world.app, new, &Actor::system(), world.app.clock.now()).await.expect("a key");
    for told in [
        format!("key={ADMIN_KEY}"),
        format!("Bearer {token}"),
        format!("{:?}", world.toss.secret_key()),
        "number 110123456789".to_owned(),
        "live_sk_0123456789abcdef".to_owned(),
        format!("{:?}", key.key.expose_secret()),
        format!("a{}z", &key.key.expose_secret()[..40]),
    ] {
        assert!(leaks::constant(Place::Line, &told).is_some(), "{told}");
    }
    let shown = format!("{:?}", key.row.prefix);
    for fine in [
        "set GUDOK__TOSS__SECRET_KEY to test_sk_…",
        "test_ck_0123456789abcdef",
        "answered 200",
        // A signature that begins like a JWT's payload, by chance.
        "token=1796526694.eyJyyaBcH4uUHUHv0yVa7Qf8fuvrd4yC-UIz1DjRqDI",
        &shown,
    ] {
        assert_eq!(leaks::constant(Place::Line, fine), None, "{fine}");
    }
    assert_eq!(leaks::constant(Place::Page, "110123456789"), None);
}

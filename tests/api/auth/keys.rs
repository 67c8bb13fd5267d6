//! API keys that operators make: several at a time, each of one role, gone when they are taken back.

use chrono::{DateTime, Duration, Utc};
use entity::api_key::{self, ApiKeyRole};
use gudok::api_keys::{self, Created, NewKey};
use gudok::audit::Actor;
use sea_orm::{EntityTrait, PaginatorTrait};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::support::client::Client;
use crate::support::process::eventually;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_key_may_what_its_role_may_and_no_more,
    several_keys_of_a_role_are_good_at_a_time,
    a_revoked_key_is_refused_everywhere_within_five_seconds,
    a_key_ends_by_the_clock_even_where_it_is_remembered,
    a_key_that_was_never_made_or_is_mistyped_is_refused,
    without_its_database_a_known_key_is_good_for_seconds_and_then_it_is_503,
    the_last_use_is_kept,
    a_key_in_steady_use_is_read_once_in_seconds,
    nothing_of_a_key_but_its_first_characters_is_kept,
    what_was_sent_under_one_key_is_repeated_under_the_next,
];

/// A path that tells who is let in without a look at the database.
const ADMIN_ONLY: &str = "/v1/jobs/none/runs";

async fn key(world: &World, role: ApiKeyRole, expires_at: Option<DateTime<Utc>>) -> Created {
    let new = NewKey { role, name: Some("시험".to_owned()), expires_at };
    let now = world.app.clock.now();
    api_keys::create(&world.app, new, &Actor::system(), now).await.expect("a key")
}

fn with(client: &Client, key: &Created) -> Client {
    client.with_token(Some(key.key.expose_secret()))
}

async fn row(world: &World, key: &Created) -> api_key::Model {
    let found = api_key::Entity::find_by_id(key.row.id).one(world.app.db.read()).await;
    found.expect("readable").expect("a row")
}

async fn a_key_may_what_its_role_may_and_no_more(world: &World) {
    let service = with(&world.stranger(), &key(world, ApiKeyRole::Service, None).await);
    let admin = with(&world.stranger(), &key(world, ApiKeyRole::Admin, None).await);
    service.get("/v1/payments?userId=u1").await.expect(200);
    service.get("/v1/payments").await.expect_problem(403, "FORBIDDEN");
    service.get("/v1/jobs").await.expect_problem(403, "FORBIDDEN");
    assert_eq!(service.get("/metrics").await.status, 403);
    admin.get("/v1/payments").await.expect(200);
    admin.get("/v1/jobs").await.expect(200);
    assert_eq!(admin.get("/metrics").await.status, 200);
}

async fn several_keys_of_a_role_are_good_at_a_time(world: &World) {
    let (old, new) =
        (key(world, ApiKeyRole::Service, None).await, key(world, ApiKeyRole::Service, None).await);
    for key in [&old, &new] {
        with(&world.stranger(), key).get("/v1/payments?userId=u1").await.expect(200);
    }
    // By its prefix, as people know it.
    let now = world.app.clock.now();
    api_keys::revoke(&world.app, &old.row.prefix, &Actor::system(), now).await.expect("revoked");
    let refused = with(&world.stranger(), &old).get("/v1/payments?userId=u1").await;
    refused.expect_problem(401, "UNAUTHENTICATED");
    with(&world.stranger(), &new).get("/v1/payments?userId=u1").await.expect(200);
    world.service().get("/v1/payments?userId=u1").await.expect(200);
}

async fn a_revoked_key_is_refused_everywhere_within_five_seconds(world: &World) {
    let (_other, elsewhere) = world.second_service().await;
    let key = key(world, ApiKeyRole::Admin, None).await;
    let (here, there) = (with(&world.stranger(), &key), with(&elsewhere, &key));
    for client in [&here, &there] {
        client.get(ADMIN_ONLY).await.expect_problem(404, "JOB_NOT_FOUND");
    }
    let mut revoked = Vec::new();
    for _ in 0..2 {
        let (id, now) = (key.row.id.to_string(), world.app.clock.now());
        revoked.push(api_keys::revoke(&world.app, &id, &Actor::system(), now).await.expect("revoked"));
    }
    assert_eq!(revoked[0].revoked_at, revoked[1].revoked_at, "once revoked, it stays as it was");
    here.get(ADMIN_ONLY).await.expect_problem(401, "UNAUTHENTICATED");
    world.advance(Duration::seconds(5));
    there.get(ADMIN_ONLY).await.expect_problem(401, "UNAUTHENTICATED");
}

async fn a_key_ends_by_the_clock_even_where_it_is_remembered(world: &World) {
    let ends = world.app.clock.now() + Duration::hours(1);
    let key = key(world, ApiKeyRole::Admin, Some(ends)).await;
    let client = with(&world.stranger(), &key);
    world.advance(Duration::minutes(59) + Duration::seconds(58));
    client.get(ADMIN_ONLY).await.expect_problem(404, "JOB_NOT_FOUND");
    world.advance(Duration::seconds(2));
    client.get(ADMIN_ONLY).await.expect_problem(401, "UNAUTHENTICATED");
    let new = NewKey { role: ApiKeyRole::Admin, name: None, expires_at: Some(ends) };
    let late = api_keys::create(&world.app, new, &Actor::system(), world.app.clock.now()).await;
    assert!(late.is_err(), "a key that is over before it is made");
}

async fn a_key_that_was_never_made_or_is_mistyped_is_refused(world: &World) {
    let made = key(world, ApiKeyRole::Admin, None).await;
    let text = made.key.expose_secret().to_owned();
    api_key::Entity::delete_by_id(made.row.id).exec(world.app.db.read()).await.expect("deleted");
    let other = if text.ends_with('x') { "y" } else { "x" };
    for wrong in [text.clone(), format!("{}{other}", &text[..57]), text[..57].to_owned(), format!("{text} ")]
    {
        let refused = world.stranger().with_token(Some(&wrong)).get(ADMIN_ONLY).await;
        refused.expect_problem(401, "UNAUTHENTICATED");
    }
    // Nor is the digest, or the prefix, a key.
    for part in [&made.row.hash, &made.row.prefix] {
        let refused = world.stranger().with_token(Some(part)).get(ADMIN_ONLY).await;
        refused.expect_problem(401, "UNAUTHENTICATED");
    }
}

async fn without_its_database_a_known_key_is_good_for_seconds_and_then_it_is_503(world: &World) {
    let (app, client) = world.second_service().await;
    let (known, unseen) =
        (key(world, ApiKeyRole::Admin, None).await, key(world, ApiKeyRole::Admin, None).await);
    with(&client, &known).get(ADMIN_ONLY).await.expect_problem(404, "JOB_NOT_FOUND");
    app.db.clone().close().await;
    with(&client, &known).get(ADMIN_ONLY).await.expect_problem(404, "JOB_NOT_FOUND");
    let reply = with(&client, &unseen).get(ADMIN_ONLY).await;
    reply.expect_problem(503, "DATABASE_UNAVAILABLE");
    assert!(!reply.header("retry-after").is_empty());
    world.advance(Duration::seconds(5));
    with(&client, &known).get(ADMIN_ONLY).await.expect_problem(503, "DATABASE_UNAVAILABLE");
    // The configured keys need no database, and what cannot be a key is refused without one.
    client.get(ADMIN_ONLY).await.expect_problem(404, "JOB_NOT_FOUND");
    let mistyped = known.key.expose_secret().replacen("gdk_test_", "gdk_live_", 1);
    let refused = client.with_token(Some(&mistyped)).get(ADMIN_ONLY).await;
    refused.expect_problem(401, "UNAUTHENTICATED");
}

async fn the_last_use_is_kept(world: &World) {
    let key = key(world, ApiKeyRole::Admin, None).await;
    let client = with(&world.stranger(), &key);
    assert_eq!(row(world, &key).await.last_used_at, None);
    let mut last = None;
    for _ in 0..3 {
        let before = world.app.clock.now();
        client.get(ADMIN_ONLY).await.expect(404);
        let noted = eventually("the use is noted", async || {
            row(world, &key).await.last_used_at.filter(|at| Some(*at) > last)
        })
        .await;
        assert!(noted >= before && noted <= world.app.clock.now());
        last = Some(noted);
        world.advance(Duration::seconds(61));
    }
}

async fn a_key_in_steady_use_is_read_once_in_seconds(world: &World) {
    let key = key(world, ApiKeyRole::Admin, None).await;
    let client = with(&world.stranger(), &key);
    client.get(ADMIN_ONLY).await.expect(404);
    eventually("the use is noted", async || row(world, &key).await.last_used_at).await;
    let before = world.app.db.statements().get();
    assert!(before > 0);
    for _ in 0..20 {
        client.get(ADMIN_ONLY).await.expect(404);
    }
    // One more read is due if this takes longer than it should.
    assert!(world.app.db.statements().get() <= before + 1);
    // A key that was never made is asked about as rarely.
    let none = key.key.expose_secret().to_owned();
    api_key::Entity::delete_by_id(key.row.id).exec(world.app.db.read()).await.expect("deleted");
    world.advance(Duration::seconds(5));
    let before = world.app.db.statements().get();
    for _ in 0..20 {
        world.stranger().with_token(Some(&none)).get(ADMIN_ONLY).await.expect(401);
    }
    assert!((before + 1..=before + 2).contains(&world.app.db.statements().get()));
}

async fn nothing_of_a_key_but_its_first_characters_is_kept(world: &World) {
    let made = key(world, ApiKeyRole::Service, None).await;
    let text = made.key.expose_secret();
    assert!(text.starts_with("gdk_test_"), "the Toss key in use moves no money");
    assert_eq!(made.row.prefix, text[..17]);
    let kept = format!("{:?} {made:?}", row(world, &made).await);
    assert!(!kept.contains(&text[17..]) && !kept.contains(&text[9..]), "{kept}");
    let events = entity::audit_event::Entity::find().all(world.app.db.read()).await.expect("events");
    assert!(events.iter().any(|event| event.subject == made.row.id.to_string()));
    assert!(!format!("{events:?}").contains(&text[17..]) && !format!("{events:?}").contains(&made.row.hash));
    assert_eq!(api_key::Entity::find().count(world.app.db.read()).await.expect("a count"), 1);
}

async fn what_was_sent_under_one_key_is_repeated_under_the_next(world: &World) {
    let plan = world.basic().await;
    let (old, new) =
        (key(world, ApiKeyRole::Service, None).await, key(world, ApiKeyRole::Service, None).await);
    let mut orders = Vec::new();
    for key in [&old, &new] {
        let client = with(&world.stranger(), key);
        let request = client.request("POST", "/v1/temp-orders").header("idempotency-key", "once");
        let body = json!({"planId": plan, "userId": "u1"}).to_string();
        let request = request.header("content-type", "application/json").body(body);
        let reply = crate::support::client::send(request).await;
        orders.push(reply.expect(201)["orderId"].clone());
    }
    assert_eq!(orders[0], orders[1]);
}

//! Signing in, staying signed in, and everything that ends it.

use chrono::{DateTime, Duration, Utc};
use entity::admin_session;
use entity::api_key::{self, ApiKeyRole};
use gudok::api_keys::{self, Created, NewKey};
use gudok::audit::Actor;
use sea_orm::{EntityTrait, PaginatorTrait};
use secrecy::ExposeSecret;

use super::{Desk, session_of, value_of};
use crate::support::client::{ADMIN_KEY, SERVICE_KEY, send};
use crate::support::process::{Serving, eventually};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    the_admin_key_opens_a_session_in_a_cookie_that_scripts_cannot_read,
    over_tls_the_cookie_is_bound_to_the_host,
    another_key_opens_nothing,
    wrong_keys_are_slowed_and_a_minute_later_looked_at_again,
    without_a_session_a_page_leads_to_the_sign_in_and_a_form_does_nothing,
    after_the_sign_in_comes_the_page_that_was_asked_for_and_no_other_site,
    a_session_that_was_tampered_with_is_none,
    a_session_ends_by_the_clock,
    signing_out_ends_the_session_on_every_replica,
    another_admin_key_ends_all_sessions,
    every_sign_in_is_a_session_of_its_own_and_old_ones_are_cleared_away,
    without_an_admin_key_only_a_key_of_the_table_opens_it,
    an_api_key_of_role_admin_opens_a_session_and_one_of_role_service_does_not,
    a_revoked_key_ends_its_sessions_on_every_replica_and_no_others,
    a_session_does_not_outlive_its_key,
    the_audit_log_names_the_key_that_signed_in,
    failed_sign_ins_are_in_the_audit_log_once_and_at_powers_of_ten,
    the_admin_key_is_in_no_answer_and_in_no_log_line,
];

async fn sessions(world: &World) -> u64 {
    admin_session::Entity::find().count(world.app.db.read()).await.expect("sessions")
}

async fn the_admin_key_opens_a_session_in_a_cookie_that_scripts_cannot_read(world: &World) {
    let desk = Desk::stranger(&world.base);
    let reply = desk.sign_in(ADMIN_KEY, "").await;
    assert_eq!((reply.status, reply.header("location")), (303, "/admin"));
    let cookie = reply.header("set-cookie");
    assert!(cookie.starts_with("gudok_session="), "{cookie}");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.split("; ").any(|part| part == attribute), "{attribute}: {cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
    let desk = Desk { session: Some(session_of(&reply)), ..desk };
    assert!(desk.page("/admin").await.contains("id=\"sign-out\""));
    let row = admin_session::Entity::find().one(world.app.db.read()).await.expect("read").expect("a row");
    let token = session_of(&reply);
    assert!(!token.contains(&row.id) && !row.credential.contains(ADMIN_KEY), "the table lets nobody in");
}

async fn over_tls_the_cookie_is_bound_to_the_host(world: &World) {
    let changed = [("GUDOK__SERVER__PUBLIC_URL", "https://pay.example.com")];
    let (app, _client) = world.second_service_with(&changed).await;
    let base = format!("http://{}", app.bound.get().expect("bound"));
    let desk = Desk::stranger(&base);
    let reply = desk.sign_in(ADMIN_KEY, "").await;
    let cookie = reply.header("set-cookie");
    assert!(cookie.starts_with("__Host-gudok_session=") && cookie.ends_with("; Secure"), "{cookie}");
    let desk = Desk { session: Some(session_of(&reply)), ..desk };
    desk.page("/admin").await;
    app.stopping.cancel();
}

async fn another_key_opens_nothing(world: &World) {
    let desk = Desk::stranger(&world.base);
    for key in ["", "wrong", SERVICE_KEY, &ADMIN_KEY[1..], &format!("{ADMIN_KEY} ")] {
        let reply = desk.sign_in(key, "").await;
        assert_eq!(reply.status, 401, "{key}");
        assert!(reply.headers.get("set-cookie").is_none());
        assert!(
            reply.text.contains("id=\"problem\"")
                && (key.is_empty() || !reply.text.contains(&format!("\"{key}\"")))
        );
    }
    assert_eq!(sessions(world).await, 0);
}

async fn wrong_keys_are_slowed_and_a_minute_later_looked_at_again(world: &World) {
    let desk = Desk::stranger(&world.base);
    for _ in 0..10 {
        assert_eq!(desk.sign_in("wrong", "").await.status, 401);
    }
    for _ in 0..3 {
        let reply = desk.sign_in("wrong", "").await;
        assert_eq!(reply.status, 429, "{}", reply.text);
        let wait: u64 = reply.header("retry-after").parse().expect("seconds");
        assert!((1..=60).contains(&wait));
        assert_eq!(desk.sign_in(ADMIN_KEY, "").await.status, 303, "strangers lock nobody out");
    }
    world.advance(Duration::minutes(1));
    assert_eq!(desk.sign_in("wrong", "").await.status, 401);
}

async fn without_a_session_a_page_leads_to_the_sign_in_and_a_form_does_nothing(world: &World) {
    let desk = Desk::stranger(&world.base);
    let reply = desk.get("/admin/payments?status=DONE&q=a%20b").await;
    assert_eq!(reply.status, 303);
    let next = "/admin/sign-in?next=%2Fadmin%2Fpayments%3Fstatus%3DDONE%26q%3Da%2520b";
    assert_eq!(reply.header("location"), next);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert!(desk.page(next).await.contains("value=\"/admin/payments?status=DONE&#38;q=a%20b\""));
    for path in ["/admin/jobs/check/run", "/admin/sign-out", "/admin/plans", "/admin/payments/order-1/refund"]
    {
        let reply = desk.submit(path, &[("csrf", "x")]).await;
        assert_eq!(reply.status, 401, "{path}: {}", reply.text);
        assert!(reply.text.contains("id=\"sign-in\""));
    }
    assert_eq!(entity::job_run::Entity::find().count(world.app.db.read()).await.expect("runs"), 0);
    assert_eq!(desk.get("/admin/exports/payments").await.status, 303);
}

async fn after_the_sign_in_comes_the_page_that_was_asked_for_and_no_other_site(world: &World) {
    let desk = Desk::stranger(&world.base);
    for (next, location) in [
        ("/admin/payments?status=DONE", "/admin/payments?status=DONE"),
        ("https://evil.example/admin", "/admin"),
        ("//evil.example", "/admin"),
        ("/admin//evil.example", "/admin"),
        ("/\\evil.example", "/admin"),
        ("/admin/\\..\\evil", "/admin"),
        ("/v1/plans", "/admin"),
        ("/admin/sign-in", "/admin"),
        ("/admin\r\nSet-Cookie: a=b", "/admin"),
    ] {
        let reply = desk.sign_in(ADMIN_KEY, next).await;
        assert_eq!((reply.status, reply.header("location")), (303, location), "{next}");
    }
    let shown = desk.page("/admin/sign-in?next=https%3A%2F%2Fevil.example%2F").await;
    assert_eq!(value_of(&shown, "next").as_deref(), Some("/admin"), "{shown}");
}

async fn a_session_that_was_tampered_with_is_none(world: &World) {
    let desk = Desk::open(world).await;
    let good = desk.session.clone().expect("a session");
    let (name, value) = good.split_once('=').expect("a pair");
    let parts: Vec<&str> = value.split('.').collect();
    let (token, expiry, signature) = (parts[0], parts[1], parts[2]);
    let later = (expiry.parse::<i64>().expect("seconds") + 1).to_string();
    let flipped: String = token.chars().rev().collect();
    for value in [
        format!("{token}.{later}.{signature}"),
        format!("{flipped}.{expiry}.{signature}"),
        format!("{token}.{expiry}.{}", signature.chars().rev().collect::<String>()),
        format!("{token}.{expiry}"),
        format!("{token}.{expiry}."),
        token.to_owned(),
        "..".to_owned(),
        String::new(),
    ] {
        let session = Some(format!("{name}={value}"));
        let reply = Desk { session, ..desk.clone() }.get("/admin").await;
        assert_eq!(reply.status, 303, "{value}");
    }
    desk.page("/admin").await;
}

async fn a_session_ends_by_the_clock(world: &World) {
    let desk = Desk::open(world).await;
    world.advance(Duration::hours(12) - Duration::minutes(1));
    desk.page("/admin").await;
    world.advance(Duration::minutes(1));
    assert_eq!(desk.get("/admin").await.status, 303);
}

async fn signing_out_ends_the_session_on_every_replica(world: &World) {
    let desk = Desk::open(world).await;
    let (app, _client) = world.second_service().await;
    let base = format!("http://{}", app.bound.get().expect("bound"));
    let elsewhere = Desk { base, ..desk.clone() };
    elsewhere.page("/admin").await;
    let reply = desk.post("/admin/sign-out", &[]).await;
    assert_eq!((reply.status, reply.header("location")), (303, "/admin/sign-in"));
    assert!(reply.header("set-cookie").contains("Max-Age=0"));
    // Whoever kept the cookie has nothing of it.
    for desk in [&desk, &elsewhere] {
        assert_eq!(desk.get("/admin").await.status, 303);
    }
    assert_eq!(sessions(world).await, 0);
    app.stopping.cancel();
}

async fn another_admin_key_ends_all_sessions(world: &World) {
    let desk = Desk::open(world).await;
    let (app, _client) =
        world.second_service_with(&[("GUDOK__AUTH__ADMIN_KEY", "another-admin-key-02")]).await;
    let base = format!("http://{}", app.bound.get().expect("bound"));
    assert_eq!(Desk { base, ..desk.clone() }.get("/admin").await.status, 303);
    desk.page("/admin").await;
    app.stopping.cancel();
}

async fn every_sign_in_is_a_session_of_its_own_and_old_ones_are_cleared_away(world: &World) {
    let (one, other) = (Desk::open(world).await, Desk::open(world).await);
    assert_ne!(one.session, other.session);
    assert_eq!(sessions(world).await, 2);
    world.advance(Duration::hours(13));
    Desk::open(world).await;
    assert_eq!(sessions(world).await, 1);
}

async fn key(world: &World, role: ApiKeyRole, expires_at: Option<DateTime<Utc>>) -> Created {
    let (new, now) = (NewKey { role, name: None, expires_at }, world.app.clock.now());
    api_keys::create(&world.app, new, &Actor::system(), now).await.expect("a key")
}

/// Signs in with `key`, which must be taken.
async fn with(base: &str, key: &Created) -> Desk {
    let desk = Desk::stranger(base);
    let reply = desk.sign_in(key.key.expose_secret(), "").await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    Desk { session: Some(session_of(&reply)), ..desk }
}

async fn revoke(world: &World, key: &Created) {
    let (id, now) = (key.row.id.to_string(), world.app.clock.now());
    api_keys::revoke(&world.app, &id, &Actor::system(), now).await.expect("revoked");
}

/// Entries of the audit log with this action, newest first.
async fn log(world: &World, action: &str) -> Vec<serde_json::Value> {
    let reply = world.admin().get(&format!("/v1/admin/audit?limit=100&action={action}")).await;
    reply.expect(200)["items"].as_array().expect("items").clone()
}

async fn an_api_key_of_role_admin_opens_a_session_and_one_of_role_service_does_not(world: &World) {
    let admin = key(world, ApiKeyRole::Admin, None).await;
    let desk = with(&world.base, &admin).await;
    desk.page("/admin/payments").await;
    let row = admin_session::Entity::find().one(world.app.db.read()).await.expect("read").expect("a row");
    assert!(
        !row.credential.contains(&admin.key.expose_secret()[9..])
            && !row.credential.contains(&admin.row.hash)
    );
    eventually("its use is noted", async || {
        let row = api_key::Entity::find_by_id(admin.row.id).one(world.app.db.read()).await.expect("read");
        row.expect("a row").last_used_at
    })
    .await;
    let service = key(world, ApiKeyRole::Service, None).await;
    let revoked = key(world, ApiKeyRole::Admin, None).await;
    revoke(world, &revoked).await;
    let text = admin.key.expose_secret();
    for wrong in [
        service.key.expose_secret(),
        revoked.key.expose_secret(),
        &text[..text.len() - 1],
        &admin.row.prefix,
        &admin.row.hash,
        &admin.row.id.to_string(),
        &row.credential,
    ] {
        let reply = Desk::stranger(&world.base).sign_in(wrong, "").await;
        assert_eq!(reply.status, 401, "{wrong}");
        assert!(reply.headers.get("set-cookie").is_none());
    }
    assert_eq!(sessions(world).await, 1);
}

async fn a_revoked_key_ends_its_sessions_on_every_replica_and_no_others(world: &World) {
    let (app, _client) = world.second_service().await;
    let base = format!("http://{}", app.bound.get().expect("bound"));
    let (key, other) = (key(world, ApiKeyRole::Admin, None).await, key(world, ApiKeyRole::Admin, None).await);
    let (here, there) = (with(&world.base, &key).await, with(&base, &key).await);
    let others = [with(&world.base, &other).await, Desk::open(world).await];
    for desk in [&here, &there].into_iter().chain(&others) {
        desk.page("/admin").await;
    }
    let csrf = here.csrf().await;
    revoke(world, &key).await;
    for desk in [&here, &there] {
        assert_eq!(desk.get("/admin").await.status, 303);
    }
    let reply = here.submit("/admin/jobs/check/run", &[("csrf", &csrf)]).await;
    assert_eq!(reply.status, 401, "a form that was open does nothing");
    assert_eq!(entity::job_run::Entity::find().count(world.app.db.read()).await.expect("runs"), 0);
    // A replica that remembers the key for seconds opens nothing new either.
    assert_eq!(Desk::stranger(&base).sign_in(key.key.expose_secret(), "").await.status, 401);
    for desk in &others {
        desk.page("/admin").await;
    }
    app.stopping.cancel();
}

async fn a_session_does_not_outlive_its_key(world: &World) {
    let ends = world.app.clock.now() + Duration::hours(1);
    let desk = with(&world.base, &key(world, ApiKeyRole::Admin, Some(ends)).await).await;
    let row = admin_session::Entity::find().one(world.app.db.read()).await.expect("read").expect("a row");
    assert!(row.expires_at <= ends);
    world.advance(Duration::minutes(59));
    desk.page("/admin").await;
    world.advance(Duration::minutes(1));
    assert_eq!(desk.get("/admin").await.status, 303);
}

async fn the_audit_log_names_the_key_that_signed_in(world: &World) {
    let key = key(world, ApiKeyRole::Admin, None).await;
    let desk = with(&world.base, &key).await;
    assert_eq!(desk.post("/admin/jobs/check/run", &[]).await.status, 303);
    let configured = Desk::open(world).await;
    assert_eq!(configured.post("/admin/jobs/check/run", &[]).await.status, 303);
    for action in ["sign_in", "job.run"] {
        let log = log(world, action).await;
        let actors: Vec<_> = log.iter().map(|event| event["actor"].as_str().expect("an actor")).collect();
        assert_eq!(actors, ["auth.admin_key", key.row.prefix.as_str()], "{action}");
        assert!(log.iter().all(|event| event["actorKind"] == "DASHBOARD" && event["address"] == "127.0.0.1"));
    }
    assert!(desk.page("/admin/audit").await.contains(&key.row.prefix));
}

async fn failed_sign_ins_are_in_the_audit_log_once_and_at_powers_of_ten(world: &World) {
    let (app, _client) =
        world.second_service_with(&[("GUDOK__SERVER__TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let desk = Desk::stranger(&format!("http://{}", app.bound.get().expect("bound")));
    let fail = async |from: &str| {
        let form = desk.form("/admin/sign-in", &[("key", "wrong-key-of-a-stranger")]);
        send(form.header("x-forwarded-for", from).header("x-request-id", "guess")).await.status
    };
    for number in 0..15 {
        // The slowed ones are counted as well.
        assert_eq!(fail("203.0.113.9").await, if number < 10 { 401 } else { 429 });
    }
    fail("203.0.113.10").await;
    let found = log(world, "sign_in.failed").await;
    let told: Vec<_> = found.iter().map(|event| (&event["address"], &event["after"])).collect();
    let failures = |count: u32| serde_json::json!({"failuresWithinAnHour": count});
    let (one, other) = ("203.0.113.9".into(), "203.0.113.10".into());
    assert_eq!(told, [(&other, &failures(1)), (&one, &failures(10)), (&one, &failures(1))]);
    for event in &found {
        assert_eq!((&event["actorKind"], &event["actor"]), (&"DASHBOARD".into(), &"nobody".into()));
        assert_eq!((&event["requestId"], &event["subject"]), (&"guess".into(), &"dashboard".into()));
        assert!(!event.to_string().contains("wrong-key"));
    }
    // Whoever has many addresses fills the log no more than anybody else.
    for number in 0..90 {
        fail(&format!("198.51.100.{number}")).await;
    }
    assert_eq!(log(world, "sign_in.failed").await.len(), 60);
    world.advance(Duration::hours(1));
    fail("203.0.113.9").await;
    assert_eq!(log(world, "sign_in.failed").await.len(), 61);
    app.stopping.cancel();
}

async fn without_an_admin_key_only_a_key_of_the_table_opens_it(world: &World) {
    let mut variables = world.variables.clone();
    variables.remove("GUDOK__AUTH__ADMIN_KEY");
    let serving = Serving::start(&variables).await;
    let desk = Desk::stranger(&serving.base);
    assert!(desk.page("/admin/sign-in").await.contains("id=\"no-key\""));
    for key in ["", "admin", ADMIN_KEY] {
        assert_eq!(desk.sign_in(key, "").await.status, 401);
    }
    with(&serving.base, &key(world, ApiKeyRole::Admin, None).await).await.page("/admin").await;
}

async fn the_admin_key_is_in_no_answer_and_in_no_log_line(world: &World) {
    let serving = Serving::start(&world.variables).await;
    let desk = Desk::stranger(&serving.base);
    let wrong = desk.sign_in("wrong-key-in-the-form", "").await;
    let right = desk.sign_in(ADMIN_KEY, "").await;
    let desk = Desk { session: Some(session_of(&right)), ..desk };
    let session = desk.session.clone().expect("a session");
    let token = session.split_once('=').expect("a pair").1.split('.').next().expect("a token").to_owned();
    let shown = desk.page("/admin").await;
    let form = send(desk.request("GET", "/admin/sign-in")).await;
    for answer in [&wrong.text, &right.text, &shown, &form.text] {
        assert!(
            !answer.contains(ADMIN_KEY)
                && !answer.contains("wrong-key-in-the-form")
                && !answer.contains(&token)
        );
    }
    serving.terminate();
    let said = serving.said();
    assert!(said.contains("a wrong key at the dashboard"), "{said}");
    for secret in [ADMIN_KEY, "wrong-key-in-the-form", &token] {
        assert!(!said.contains(secret), "{said}");
    }
}

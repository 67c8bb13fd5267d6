//! Users' JWTs under keys that the SaaS publishes: found when they are new, kept while nobody publishes them, and never
//! taken for what they are not.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Duration;
use futures_util::future::join_all;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::publisher::{Answer, Publisher, Signing, claims};
use crate::support::client::{Client, Reply, user_token};
use crate::support::process::eventually;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_token_under_any_kind_of_published_key_is_good,
    a_new_key_is_found_and_a_withdrawn_one_refused,
    tokens_that_name_unknown_keys_ask_once_in_half_a_minute,
    kept_keys_serve_while_nobody_publishes_them,
    no_token_talks_a_key_into_another_algorithm,
    only_one_key_needs_no_name,
    what_is_no_small_set_of_keys_is_not_read,
    claims_count_under_a_published_key_as_under_the_secret,
];

/// A service that reads its keys there.
async fn service(world: &World, publisher: &Publisher) -> Client {
    let (_app, client) = world.second_service_with(&[("GUDOK__AUTH__JWKS_URL", &publisher.url)]).await;
    client
}

async fn ask(client: &Client, token: &str) -> Reply {
    client.with_token(Some(token)).get("/v1/payments").await
}

async fn is_good(client: &Client, token: &str) {
    ask(client, token).await.expect(200);
}

async fn is_refused(client: &Client, token: &str) {
    ask(client, token).await.expect_problem(401, "UNAUTHENTICATED");
}

async fn a_token_under_any_kind_of_published_key_is_good(world: &World) {
    let keys = [Signing::rsa("r"), Signing::ec("e"), Signing::ed("d")];
    let publisher = Publisher::start(&keys.each_ref()).await;
    let client = service(world, &publisher).await;
    for key in &keys {
        is_good(&client, &key.token(&world.app.clock)).await;
        let other = client.with_token(Some(&key.token(&world.app.clock)));
        other.get("/v1/payments?userId=u2").await.expect_problem(403, "FORBIDDEN");
    }
    // The secret goes on beside them.
    is_good(&client, &user_token("u1", &world.app.clock)).await;
    assert_eq!(publisher.asked(), 1);
}

async fn a_new_key_is_found_and_a_withdrawn_one_refused(world: &World) {
    let (old, new) = (Signing::ed("2026-10"), Signing::ec("2026-11"));
    let publisher = Publisher::start(&[&old]).await;
    let client = service(world, &publisher).await;
    let (of_old, of_new) = (old.token(&world.app.clock), new.token(&world.app.clock));
    is_good(&client, &of_old).await;
    publisher.publish(&[&old, &new]);
    world.advance(Duration::seconds(30));
    // Many of its users come at once, and none is turned away.
    for reply in join_all((0..20).map(|_| ask(&client, &of_new))).await {
        reply.expect(200);
    }
    is_good(&client, &of_old).await;
    assert_eq!(publisher.asked(), 2);
    publisher.publish(&[&new]);
    world.advance(Duration::seconds(30));
    is_refused(&client, &Signing::ed("made-up").token(&world.app.clock)).await;
    is_refused(&client, &of_old).await;
    is_good(&client, &of_new).await;
}

async fn tokens_that_name_unknown_keys_ask_once_in_half_a_minute(world: &World) {
    let key = Signing::ed("k");
    let publisher = Publisher::start(&[&key]).await;
    let client = service(world, &publisher).await;
    is_good(&client, &key.token(&world.app.clock)).await;
    assert_eq!(publisher.asked(), 1);
    for round in 2..=3 {
        world.advance(Duration::seconds(30));
        let forged: Vec<String> =
            (0..50).map(|n| Signing::ed(&format!("no-{n}")).token(&world.app.clock)).collect();
        for reply in join_all(forged.iter().map(|token| ask(&client, token))).await {
            reply.expect_problem(401, "UNAUTHENTICATED");
        }
        assert_eq!(publisher.asked(), round);
    }
    is_good(&client, &key.token(&world.app.clock)).await;
}

async fn kept_keys_serve_while_nobody_publishes_them(world: &World) {
    let (key, later) = (Signing::ed("k"), Signing::ed("l"));
    let mut publisher = Publisher::start(&[&key]).await;
    let client = service(world, &publisher).await;
    let token = key.token(&world.app.clock);
    is_good(&client, &token).await;
    publisher.answer(Answer::Body(503, "later".to_owned()));
    for _ in 0..2 {
        world.advance(Duration::minutes(11));
        is_refused(&client, &later.token(&world.app.clock)).await;
        is_good(&client, &token).await;
    }
    publisher.stop().await;
    world.advance(Duration::minutes(11));
    is_refused(&client, &later.token(&world.app.clock)).await;
    is_good(&client, &token).await;
}

/// A token whose parts are made by hand.
fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

async fn no_token_talks_a_key_into_another_algorithm(world: &World) {
    let keys = [Signing::rsa("r"), Signing::ec("e"), Signing::ed("d")];
    let publisher = Publisher::start(&keys.each_ref()).await;
    let client = service(world, &publisher).await;
    let claims = claims(&world.app.clock);
    is_good(&client, &keys[0].sign(&claims)).await;
    for key in &keys {
        let public = key.public();
        // What is published, in whatever form, is no secret that HS256 could be signed with.
        let point = ["n", "x"].iter().find_map(|part| public[part].as_str()).expect("a number");
        let raw = URL_SAFE_NO_PAD.decode(point).expect("base64");
        for secret in [raw.as_slice(), point.as_bytes(), public.to_string().as_bytes(), b""] {
            let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::HS256) };
            let token = encode(&header, &claims, &EncodingKey::from_secret(secret)).expect("a token");
            is_refused(&client, &token).await;
        }
        let signed = key.sign(&claims);
        let signature = signed.rsplit('.').next().expect("a signature");
        for algorithm in ["none", "None", "HS256", "RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA"] {
            for signature in ["", signature] {
                is_refused(&client, &forged(&json!({"alg": algorithm, "kid": key.kid}), &claims, signature))
                    .await;
            }
        }
        // Signed by the right kind of key, under the name of another.
        for other in keys.iter().filter(|other| other.kid != key.kid) {
            let header = Header { kid: Some(other.kid.clone()), ..Header::new(key.algorithm) };
            is_refused(&client, &encode(&header, &claims, &key.key).expect("a token")).await;
        }
    }
    // A key that comes with the token proves nothing.
    let own = Signing::ed("d");
    let jwk: Jwk = serde_json::from_value(own.public()).expect("a key");
    let header = Header { jwk: Some(jwk), jku: Some(publisher.url.clone()), ..own.header() };
    is_refused(&client, &encode(&header, &claims, &own.key).expect("a token")).await;
    is_refused(&client, &own.sign(&claims)).await;
}

async fn only_one_key_needs_no_name(world: &World) {
    let (one, other) = (Signing::ed("k"), Signing::ec("l"));
    let publisher = Publisher::start(&[&one]).await;
    let client = service(world, &publisher).await;
    let nameless =
        encode(&Header::new(Algorithm::EdDSA), &claims(&world.app.clock), &one.key).expect("a token");
    is_good(&client, &nameless).await;
    publisher.publish(&[&one, &other]);
    world.advance(Duration::seconds(30));
    is_good(&client, &other.token(&world.app.clock)).await;
    is_refused(&client, &nameless).await;
}

async fn what_is_no_small_set_of_keys_is_not_read(world: &World) {
    let (key, new) = (Signing::ed("k"), Signing::ed("l"));
    let elsewhere = Publisher::start(&[&new]).await;
    let publisher = Publisher::start(&[&key]).await;
    let client = service(world, &publisher).await;
    let token = key.token(&world.app.clock);
    is_good(&client, &token).await;
    let huge = json!({"keys": [new.public()], "padding": "x".repeat(70_000)}).to_string();
    let many = json!({"keys": vec![new.public(); 33]}).to_string();
    for answer in [
        Answer::Body(200, huge),
        Answer::Body(200, many),
        Answer::Body(200, "<html>".to_owned()),
        Answer::Body(500, json!({"keys": [new.public()]}).to_string()),
        Answer::Redirect(elsewhere.url.clone()),
        Answer::Silence,
    ] {
        let asked = publisher.asked();
        publisher.answer(answer.clone());
        world.advance(Duration::seconds(30));
        is_refused(&client, &new.token(&world.app.clock)).await;
        assert_eq!(publisher.asked(), asked + 1);
        is_good(&client, &token).await;
    }
    assert_eq!(elsewhere.asked(), 0);
    publisher.publish(&[&new]);
    world.advance(Duration::seconds(30));
    is_good(&client, &new.token(&world.app.clock)).await;
}

async fn claims_count_under_a_published_key_as_under_the_secret(world: &World) {
    let key = Signing::ed("k");
    let publisher = Publisher::start(&[&key]).await;
    let settings = [
        ("GUDOK__AUTH__JWKS_URL", publisher.url.as_str()),
        ("GUDOK__AUTH__ISSUER", "https://saas.test"),
        ("GUDOK__AUTH__AUDIENCE", "gudok"),
    ];
    let (_app, client) = world.second_service_with(&settings).await;
    let mut good = claims(&world.app.clock);
    good["iss"] = "https://saas.test".into();
    good["aud"] = "gudok".into();
    is_good(&client, &key.sign(&good)).await;
    eventually("read once", async || (publisher.asked() == 1).then_some(())).await;
    let now = world.app.clock.now().timestamp();
    for (claim, wrong) in [
        ("iss", Value::Null),
        ("iss", "https://other.test".into()),
        ("aud", Value::Null),
        ("aud", "other".into()),
        ("exp", Value::Null),
        ("exp", (now - 60).into()),
        ("nbf", (now + 3_600).into()),
        ("sub", Value::Null),
        ("sub", "no spaces".into()),
    ] {
        let mut claims = good.clone();
        claims[claim] = wrong.clone();
        if wrong.is_null() {
            claims.as_object_mut().expect("claims").remove(claim);
        }
        is_refused(&client, &key.sign(&claims)).await;
    }
    let mut late = good.clone();
    late["exp"] = (now - 10).into();
    is_good(&client, &key.sign(&late)).await;
}

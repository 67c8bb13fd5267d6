//! What callers may keep of an entitlement check, and for how long.

use chrono::Duration;
use futures_util::future::join_all;

use crate::support::client::{Client, Reply};
use crate::support::scenario::scenarios;
use crate::support::world::{World, instant};

scenarios![
    an_answer_that_has_not_changed_is_not_sent_again,
    whatever_changes_an_entitlement_changes_its_tag,
    no_answer_may_be_used_beyond_the_next_change,
    many_who_ask_together_each_get_their_own_answer,
];

const PATH: &str = "/v1/users/u1/subscription";

async fn ask(client: &Client, known: &str) -> Reply {
    crate::support::client::send(client.request("GET", PATH).header("if-none-match", known)).await
}

async fn an_answer_that_has_not_changed_is_not_sent_again(world: &World) {
    world.buy("u1", &world.basic().await).await;
    let first = world.service().get(PATH).await;
    first.expect(200);
    let tag = first.header("etag").to_owned();
    assert_eq!(first.header("cache-control"), "private, no-cache");
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let again = ask(&world.service(), &known).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{known}");
        assert_eq!(again.header("etag"), tag);
    }
    ask(&world.service(), "\"other\"").await.expect(200);
    // Whoever may not see it learns nothing by a tag.
    assert_eq!(ask(&world.user("u2"), &tag).await.code(), "SUBSCRIPTION_NOT_FOUND");
    assert_eq!(ask(&world.stranger(), "*").await.status, 401);
}

async fn whatever_changes_an_entitlement_changes_its_tag(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    let mut tags = Vec::new();
    let mut seen = async |what: &str| {
        let reply = world.service().get(PATH).await;
        reply.expect(200);
        let tag = reply.header("etag").to_owned();
        assert!(!tags.contains(&tag), "{what} left the tag as it was");
        tags.push(tag);
    };
    let order = world.buy("u1", &basic).await;
    seen("a purchase").await;
    world.buy("u1", &premium).await;
    seen("another plan").await;
    world.refund(&order, None).await.expect(200);
    seen("a refund").await;
    let renamed = serde_json::json!({"name": "이름이 바뀐 요금제"});
    world.admin().patch(&format!("/v1/plans/{premium}"), renamed).await.expect(200);
    seen("a plan's new name").await;
    world.advance(Duration::days(40));
    seen("its end").await;
}

async fn no_answer_may_be_used_beyond_the_next_change(world: &World) {
    world.buy("u1", &world.basic().await).await;
    let minute = [("GUDOK__BILLING__ENTITLEMENT_MAX_AGE_SECS", "60")];
    let (app, client) = world.second_service_with(&minute).await;
    let control = async || client.get(PATH).await.header("cache-control").to_owned();
    assert_eq!(control().await, "private, max-age=60");
    let end = instant(&world.subscription("u1").await["endDate"]);
    world.advance_to(end - Duration::seconds(30));
    let shown = control().await;
    let seconds: i64 =
        shown.strip_prefix("private, max-age=").and_then(|text| text.parse().ok()).expect("an age");
    assert!(seconds > 0 && seconds <= 30, "{shown}");
    world.advance_to(end - Duration::milliseconds(400));
    assert_eq!(control().await, "private, no-cache", "less than a second is left");
    world.advance_to(end);
    assert_eq!(control().await, "private, max-age=60", "nothing changes by itself any more");
    app.stopping.cancel();
}

async fn many_who_ask_together_each_get_their_own_answer(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    for number in 0..12 {
        world.buy(&format!("u{number}"), if number % 2 == 0 { &basic } else { &premium }).await;
    }
    // Two periods in one, none at all in another.
    world.buy("u1", &premium).await;
    let order = world.buy("gone", &basic).await;
    world.refund(&order, None).await.expect(200);
    let client = world.service();
    let asked = (0..120).map(|turn| {
        let user = match turn % 14 {
            12 => "gone".to_owned(),
            13 => "nobody".to_owned(),
            number => format!("u{number}"),
        };
        let client = client.clone();
        async move { (client.get(&format!("/v1/users/{user}/subscription")).await, user) }
    });
    for (reply, user) in join_all(asked).await {
        match user.as_str() {
            "nobody" => drop(reply.expect_problem(404, "SUBSCRIPTION_NOT_FOUND")),
            "gone" => {
                let body = reply.expect(200);
                assert_eq!((&body["userId"], &body["status"]), (&"gone".into(), &"CANCELED".into()));
                assert_eq!(body["periods"], serde_json::json!([]));
            }
            _ => {
                let body = reply.expect(200);
                let number: usize = user[1..].parse().expect("a number");
                let plan = if number.is_multiple_of(2) { &basic } else { &premium };
                assert_eq!(
                    (&body["userId"], &body["planId"]),
                    (&user.as_str().into(), &plan.as_str().into())
                );
                let periods = if user == "u1" { 2 } else { 1 };
                assert_eq!(body["periods"].as_array().map(Vec::len), Some(periods));
            }
        }
    }
}

//! What callers may keep of an entitlement check, and for how long.

use std::sync::Arc;

use chrono::Duration;
use futures_util::future::join_all;
use sea_orm::ConnectionTrait;

use crate::support::client::{Client, Reply};
use crate::support::scenario::scenarios;
use crate::support::world::{World, instant};

scenarios![
    an_answer_that_has_not_changed_is_not_sent_again,
    whatever_changes_an_entitlement_changes_its_tag,
    no_answer_may_be_used_beyond_the_next_change,
    many_who_ask_together_each_get_their_own_answer,
    what_was_told_before_is_told_again_only_of_the_same_row,
    whatever_differs_in_a_row_makes_another_answer,
    a_check_reads_the_copy_of_the_periods_where_it_counts,
    what_an_older_binary_has_written_is_read_from_its_periods,
    a_copy_of_periods_outlives_the_nightly_job,
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
    let before = world.app.db.statements().get();
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
    let asked = world.app.db.statements().get() - before;
    assert!(asked < 60, "{asked} statements for 120 who asked at once: they did not share them");
}

async fn what_was_told_before_is_told_again_only_of_the_same_row(world: &World) {
    world.buy("u1", &world.basic().await).await;
    let first = world.subscription("u1").await;
    assert_eq!(world.subscription("u1").await, first);
    // Somebody mends the books by hand, and leaves the dates of the rows as they were.
    by_hand(world, "UPDATE plan SET name = '손으로 고친 이름' WHERE code = 'BASIC'").await;
    let mended = world.subscription("u1").await;
    assert_eq!(mended["plan"]["name"], "손으로 고친 이름");
    assert_eq!(mended["plan"]["updatedAt"], first["plan"]["updatedAt"]);
    world.advance_to(instant(&first["endDate"]));
    let ended = world.subscription("u1").await;
    assert_eq!((&ended["status"], &ended["plan"]), (&"EXPIRED".into(), &mended["plan"]));
}

async fn whatever_differs_in_a_row_makes_another_answer(world: &World) {
    world.buy("u1", &world.basic().await).await;
    let (app, user) = (&world.app, "u1".parse().expect("an id"));
    let told = async || {
        let found = app.entitlements.of_user(&app.db, &user, &app.clock).await.expect("read");
        found.expect("a subscription").0
    };
    let mut last = told().await;
    assert!(Arc::ptr_eq(&last, &told().await), "the same row is told of again");
    // Columns of both tables, the last one that is read among them.
    for change in [
        "UPDATE subscription SET created_at = end_date",
        "UPDATE plan SET interval_months = 2 WHERE code = 'BASIC'",
        "UPDATE plan SET updated_at = (SELECT end_date FROM subscription) WHERE code = 'BASIC'",
    ] {
        by_hand(world, change).await;
        let now = told().await;
        assert!(!Arc::ptr_eq(&last, &now), "{change}");
        assert!(Arc::ptr_eq(&now, &told().await), "{change}");
        last = now;
    }
}

/// Runs a statement by hand; it changes one row.
async fn by_hand(world: &World, sql: &str) {
    let changed = world.app.db.read().execute_unprepared(sql).await;
    assert_eq!(changed.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected(), 1, "{sql}");
}

async fn a_check_reads_the_copy_of_the_periods_where_it_counts(world: &World) {
    world.buy("u1", &world.basic().await).await;
    let order = world.subscription("u1").await["periods"][0]["orderId"].as_str().expect("an id").to_owned();
    by_hand(
        world,
        &format!("UPDATE subscription SET periods = replace(periods, '{order}', 'not-in-the-table')"),
    )
    .await;
    assert_eq!(world.subscription("u1").await["periods"][0]["orderId"], "not-in-the-table");
    by_hand(world, "UPDATE subscription SET periods_as_of = NULL").await;
    assert_eq!(world.subscription("u1").await["periods"][0]["orderId"], order.as_str());
}

async fn what_an_older_binary_has_written_is_read_from_its_periods(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    world.buy("u1", &basic).await;
    let one = world.subscription("u1").await;
    world.advance(Duration::days(1));
    world.buy("u1", &premium).await;
    let two = world.subscription("u1").await;
    // It does not know of the copy, which tells of the first purchase alone and says so by its date.
    let order = one["periods"][0]["orderId"].as_str().expect("an id");
    let copy =
        format!("[[\"{order}\",\"{basic}\",\"2000-01-01T00:00:00+00:00\",\"2001-01-01T00:00:00+00:00\"]]");
    by_hand(
        world,
        &format!(
            "UPDATE subscription SET periods = '{copy}', periods_as_of = created_at WHERE user_id = 'u1'"
        ),
    )
    .await;
    assert_eq!(world.subscription("u1").await, two);
    // Nor is there any on the rows that it made.
    by_hand(world, "UPDATE subscription SET periods = NULL, periods_as_of = NULL WHERE user_id = 'u1'").await;
    assert_eq!(world.subscription("u1").await, two);
    // Beside others who have one, others who have none, and beside nobody.
    world.buy("u2", &basic).await;
    world.buy("u4", &basic).await;
    by_hand(world, "UPDATE subscription SET periods_as_of = NULL WHERE user_id = 'u4'").await;
    let service = world.service();
    let users = ["u1", "u2", "u3", "u4"].repeat(20);
    let asked = users.iter().map(async |user| service.get(&format!("/v1/users/{user}/subscription")).await);
    for (user, reply) in users.iter().zip(join_all(asked).await) {
        match *user {
            "u1" => assert_eq!(reply.expect(200), &two),
            "u2" | "u4" => assert_eq!(reply.expect(200)["periods"].as_array().map(Vec::len), Some(1)),
            _ => assert_eq!((reply.status, reply.code()), (404, "SUBSCRIPTION_NOT_FOUND")),
        }
    }
}

async fn a_copy_of_periods_outlives_the_nightly_job(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    world.buy("ends", &basic).await;
    world.buy("goes-on", &basic).await;
    world.buy("goes-on", &premium).await;
    let counts = "UPDATE subscription SET periods = periods WHERE periods_as_of = updated_at";
    for days in [35, 35] {
        world.advance(Duration::days(days));
        let before = [world.subscription("ends").await, world.subscription("goes-on").await];
        world.run_job("expire-subscriptions").await;
        let after = [world.subscription("ends").await, world.subscription("goes-on").await];
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before["periods"], after["periods"]);
            assert_eq!(before["planId"], after["planId"]);
        }
        let kept = world.app.db.read().execute_unprepared(counts).await.expect("counted").rows_affected();
        assert_eq!(kept, 2, "the job has moved the copies' dates with the rows'");
    }
}

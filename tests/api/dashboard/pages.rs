//! All pages: in both languages, under a strict policy, with whatever strangers wrote told as text.

use sea_orm::ConnectionTrait;
use toss_sandbox::Authenticate;

use super::Desk;
use crate::support::client::send;
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    every_page_opens_in_both_languages_under_a_strict_policy,
    every_page_opens_on_empty_books,
    what_strangers_wrote_is_only_text,
    a_page_that_is_none_is_told_as_a_page,
    a_language_that_was_chosen_stays,
    the_overview_shows_what_the_books_say,
    the_overview_leaves_the_books_to_purchases,
    what_needs_a_person_is_counted_and_told,
];

/// Books with something on every page, and the paths of all pages.
async fn filled(world: &World) -> (Order, Vec<String>) {
    let (basic, event) = (world.basic().await, world.event().await);
    let order = world.buy("u1", &basic).await;
    world.buy("u2", &event).await;
    let declined = world.order("u3", &basic).await;
    let key =
        world.authenticate_with(Authenticate::new(declined.order_id.clone(), 9_900).card("4000000000000001"));
    world.confirm(&declined, &key).await.expect(402);
    let given_back = world.buy("u4", &basic).await;
    let refund = world.refund(&given_back, Some(900)).await;
    let refund = refund.expect(200)["refund"]["id"].as_str().expect("an id").to_owned();
    world.run_job("check").await;
    let mut paths = pages();
    for order in [&order, &declined, &given_back] {
        paths.push(format!("/admin/payments/{}", order.order_id));
        paths.push(format!("/admin/payments/{}/refund", order.order_id));
    }
    paths.push(format!("/admin/refunds/{refund}"));
    paths.push(format!("/admin/plans/{basic}"));
    paths.push(format!("/admin/plans/{event}"));
    paths.push("/admin/subscriptions/u1".to_owned());
    (order, paths)
}

fn pages() -> Vec<String> {
    [
        "/admin",
        "/admin?days=7",
        "/admin?days=365",
        "/admin/sign-in",
        "/admin/payments",
        "/admin/payments?q=u1&status=DONE&from=2020-01-01&to=2100-01-01",
        "/admin/payments?q=nobody",
        "/admin/subscriptions",
        "/admin/subscriptions?active=no&user=u1",
        "/admin/subscriptions/nobody",
        "/admin/plans",
        "/admin/plans/new",
        "/admin/event-amounts",
        "/admin/audit",
        "/admin/jobs",
        "/admin/jobs/check",
        "/admin/attention",
        "/admin/exports",
    ]
    .map(str::to_owned)
    .into()
}

async fn every_page_opens_in_both_languages_under_a_strict_policy(world: &World) {
    let (_order, paths) = filled(world).await;
    let desk = Desk::open(world).await;
    for path in &paths {
        for (language, word) in [("ko", "lang=\"ko\""), ("en", "lang=\"en\"")] {
            let reply = send(desk.request("GET", path).header("accept-language", language)).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text);
            assert!(reply.text.contains(&format!("<html {word}>")), "{path}");
            let policy = reply.header("content-security-policy");
            assert!(
                policy.contains("default-src 'none'") && policy.contains("script-src 'self';"),
                "{policy}"
            );
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(reply.header("cache-control"), "no-store");
            assert_eq!(reply.header("x-frame-options"), "DENY");
            obeys_the_policy(path, &reply.text);
            assert_eq!(reply.text.matches("<h1").count(), 1, "{path}: one first heading");
        }
    }
}

/// No inline script, no inline style, no handler in an attribute.
fn obeys_the_policy(path: &str, html: &str) {
    assert!(!html.contains("style=") && !html.contains("<style"), "{path}: a style");
    for handler in ["onclick=", "onload=", "onsubmit=", "onerror=", "javascript:"] {
        assert!(!html.contains(handler), "{path}: {handler}");
    }
    for script in html.split("<script").skip(1) {
        let (tag, rest) = script.split_once('>').expect("a tag");
        let data = tag.contains("type=\"application/json\"");
        assert!(data || tag.contains("src=\"/assets/") && rest.starts_with("</script>"), "{path}: {tag}");
    }
}

async fn every_page_opens_on_empty_books(world: &World) {
    let desk = Desk::open(world).await;
    for path in pages() {
        desk.page(&path).await;
    }
}

async fn what_strangers_wrote_is_only_text(world: &World) {
    const EVIL: &str = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let (order, paths) = filled(world).await;
    let plan = world.payment(&order).await["planId"].as_str().expect("a plan").to_owned();
    let patch = serde_json::json!({"name": EVIL});
    world.admin().patch(&format!("/v1/plans/{plan}"), patch).await.expect(200);
    let bought = world.buy("u5", &plan).await;
    let reason = serde_json::json!({"cancelReason": EVIL, "cancelAmount": 100});
    world.service().post(&format!("/v1/payments/{}/cancel", bought.order_id), reason).await.expect(200);
    let failed = world.order("u6", &plan).await;
    let fail =
        serde_json::json!({"orderId": failed.order_id, "code": "<b>CODE</b></script>", "message": EVIL});
    world.service().post("/v1/payments/fail", fail).await.expect(200);
    // What Toss calls a method, and where it says its receipt is, is not ours to trust either.
    let sql = format!(
        "UPDATE payment SET payment_method = '{}', receipt_url = 'javascript:alert(1)' WHERE order_id = '{}'",
        EVIL.replace('\'', "''"),
        bought.order_id
    );
    world.app.db.read().execute_unprepared(&sql).await.expect("written");
    let desk = Desk::open(world).await;
    let shown = ["", "/refund"].map(|rest| format!("/admin/payments/{}{rest}", bought.order_id));
    let more = [
        format!("/admin/payments/{}", failed.order_id),
        "/admin/subscriptions/u5".to_owned(),
        format!(
            "/admin/payments?q={}",
            url::form_urlencoded::byte_serialize(EVIL.as_bytes()).collect::<String>()
        ),
    ];
    for path in paths.iter().chain(&shown).chain(&more) {
        let html = desk.page(path).await;
        assert!(
            !html.contains("<script>alert") && !html.contains("<img src=x") && !html.contains("<b>CODE"),
            "{path}"
        );
        assert!(!html.contains("href=\"javascript:"), "{path}");
    }
    assert!(desk.page(&shown[0]).await.contains("&#60;script&#62;alert(1)"), "it is told all the same");
}

async fn a_page_that_is_none_is_told_as_a_page(world: &World) {
    let desk = Desk::open(world).await;
    for path in [
        "/admin/nothing",
        "/admin/payments/no-such-order",
        "/admin/jobs/no-such-job",
        "/admin/exports/nothing",
    ] {
        let reply = desk.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(
            reply.text.contains("<h1") && reply.header("content-type").starts_with("text/html"),
            "{path}"
        );
    }
    for path in [
        "/admin?days=8",
        "/admin/payments?cursor=x",
        "/admin/payments?from=yesterday",
        "/admin/payments/a%20b",
    ] {
        assert_eq!(desk.get(path).await.status, 400, "{path}");
    }
}

async fn a_language_that_was_chosen_stays(world: &World) {
    let desk = Desk::open(world).await;
    let reply = desk.get("/admin/plans?lang=en").await;
    assert!(reply.text.contains("<html lang=\"en\">"));
    let cookie = reply.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    assert_eq!(cookie, "lang=en");
    let sent_on = Desk::stranger(&world.base).get("/admin/plans?lang=en").await;
    assert_eq!((sent_on.status, sent_on.header("set-cookie").starts_with("lang=en")), (303, true));
    let session = desk.session.clone().map(|session| format!("{session}; {cookie}"));
    assert!(Desk { session, ..desk }.page("/admin/jobs").await.contains("<html lang=\"en\">"));
}

async fn the_overview_shows_what_the_books_say(world: &World) {
    filled(world).await;
    let html = Desk::open(world).await.page("/admin").await;
    // 9,900 twice and 5,000, less the 900 that went back.
    assert_eq!(super::text_of(&html, "net"), "23,900원");
    assert_eq!(super::text_of(&html, "active"), "2");
    assert_eq!(super::text_of(&html, "event-total"), "5,000원");
    assert_eq!(super::text_of(&html, "rate"), "75.0%");
    assert_eq!(super::text_of(&html, "open"), "0");
    let data = super::text_of(&html, "figures-data");
    let data: serde_json::Value = serde_json::from_str(&data).expect("JSON");
    let net = data["revenue"]["series"][2]["values"].as_array().expect("days");
    assert_eq!((net.len(), net.last()), (30, Some(&23_900.into())));
}

async fn the_overview_leaves_the_books_to_purchases(world: &World) {
    let desk = Desk::open(world).await;
    let all = u32::try_from(world.app.figures.turns.available_permits()).expect("few");
    let turns = world.app.figures.turns.acquire_many(all).await.expect("turns");
    let reply = desk.get("/admin").await;
    assert_eq!(reply.status, 503, "{}", reply.text);
    assert!(reply.text.contains("id=\"busy\"") && !reply.text.contains("data-again-after"), "{}", reply.text);
    drop(turns);
    desk.page("/admin").await;
    assert_eq!(world.app.figures.turns.available_permits(), all as usize);
    // What was read a moment ago needs no turn.
    let _turns = world.app.figures.turns.acquire_many(all).await.expect("turns");
    desk.page("/admin?days=30").await;
}

async fn what_needs_a_person_is_counted_and_told(world: &World) {
    let desk = Desk::open(world).await;
    // No job has ever run, and this process runs none by itself.
    let html = desk.page("/admin/attention").await;
    let listed = world.admin().get("/v1/admin/attention?limit=100").await;
    let items = listed.expect(200)["items"].as_array().expect("items").clone();
    assert!(!items.is_empty());
    assert!(super::text_of(&html, "attention-count").starts_with(&items.len().to_string()));
    assert_eq!(html.matches("<li class=\"card").count(), items.len());
    for item in items {
        assert!(html.contains(item["kind"].as_str().expect("a kind")));
    }
    for job in gudok::jobs::Job::ALL {
        world.run_job(job.name()).await;
    }
    let html = desk.page("/admin/attention").await;
    assert!(html.contains("id=\"no-matters\"") && !html.contains("id=\"attention-count\""), "{html}");
}

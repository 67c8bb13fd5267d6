//! What an order's page shows, in both languages, and what a browser may do with it.

use chrono::Duration;
use serde_json::json;
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, PayMethod};

use super::{Page, visit, visit_in};
use crate::support::client::Reply;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    the_page_shows_plan_amount_and_period_in_both_languages,
    the_period_shown_is_the_one_that_is_bought,
    the_page_allows_no_script_but_its_own_and_tosss,
    files_are_kept_for_ever_under_a_name_that_changes_with_them,
    what_people_and_toss_write_is_text_and_never_markup,
    what_a_browser_claims_is_never_shown_as_the_shops_words,
    a_page_that_is_not_there_is_still_a_page,
];

async fn the_page_shows_plan_amount_and_period_in_both_languages(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let korean = page.look().await;
    for shown in ["BASIC 요금제", "9,900원", "이용 기간", "3일 이내", "시험 상점", "<html lang=\"ko\">"]
    {
        assert!(korean.text.contains(shown), "{shown}: {}", korean.text);
    }
    let english = [visit_in(&page.url, "en-US,en").await, visit(&format!("{}&lang=en", page.url)).await];
    for reply in english {
        for shown in ["₩9,900", "Period", "within 3 days", "<html lang=\"en\">"] {
            assert!(reply.text.contains(shown), "{shown}: {}", reply.text);
        }
    }
    // The link's own language goes along on the way back from Toss.
    let english = visit(&format!("{}&lang=en", page.url)).await;
    assert!(english.text.contains("/checkout/success?token=") && english.text.contains("lang=en\""));
}

async fn the_period_shown_is_the_one_that_is_bought(world: &World) {
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    world.advance(Duration::days(3));
    let page = Page::of(world, "u1", &plan).await;
    let promised = page.look().await;
    page.pay(world).await;
    let bought = world.subscription("u1").await["periods"][1].clone();
    let zone = chrono_tz::Asia::Seoul;
    for end in ["startsAt", "endsAt"] {
        let at = crate::support::world::instant(&bought[end]);
        let shown = gudok::pages::date(at, zone, gudok::http::language::Language::Korean);
        assert!(promised.text.contains(&shown), "{shown}: {}", promised.text);
        assert!(page.look().await.text.contains(&shown), "{shown}");
    }
    let event = Page::of(world, "u1", &world.event().await).await;
    assert!(event.look().await.text.contains("이용 기간 없음"));
}

fn assert_kept_to_itself(reply: &Reply) {
    let policy = reply.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{policy}");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("referrer-policy"), "strict-origin");
    for inline in ["<script>", "<style", " style=", " onclick=", "javascript:"] {
        assert!(!reply.text.contains(inline), "{inline}: {}", reply.text);
    }
}

async fn the_page_allows_no_script_but_its_own_and_tosss(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let open = page.look().await;
    assert_kept_to_itself(&open);
    let policy = open.header("content-security-policy");
    assert!(policy.contains(&format!("script-src 'self' {}", world.toss.url())), "{policy}");
    let failed = visit(&page.fail(world, "code=PAY_PROCESS_ABORTED&message=x")).await;
    assert_kept_to_itself(&failed);
    let account = Page::of(world, "u2", &world.premium().await).await;
    let buyer = Authenticate::new(account.order.order_id.clone(), 19_900).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    visit(&account.success(world, &key, 19_900)).await;
    assert_kept_to_itself(&account.look().await);
    assert_kept_to_itself(&visit(&format!("{}/checkout/nowhere", world.base)).await);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    page.pay(world).await;
    assert_kept_to_itself(&page.look().await);
    world.settle().await;
    let paid = page.look().await;
    assert_kept_to_itself(&paid);
    assert!(!paid.header("content-security-policy").contains(&world.toss.url()));
}

async fn files_are_kept_for_ever_under_a_name_that_changes_with_them(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let text = page.look().await.text;
    let links: Vec<&str> = text.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(links.len() >= 4, "{text}");
    for link in links {
        let file = visit(&format!("{}{link}", world.base)).await;
        assert_eq!(file.status, 200, "{link}");
        assert!(file.header("cache-control").contains("immutable"), "{link}");
        let (bare, _) = link.split_once('?').expect("a version");
        let unversioned = visit(&format!("{}{bare}", world.base)).await;
        assert_eq!((unversioned.status, unversioned.header("cache-control")), (200, "no-cache"));
    }
    for outside in ["/assets/nothing.js", "/assets/..%2Fmod.rs", "/assets/%2e%2e/mod.rs"] {
        assert_eq!(visit(&format!("{}{outside}", world.base)).await.status, 404, "{outside}");
    }
}

async fn what_people_and_toss_write_is_text_and_never_markup(world: &World) {
    let name = "<img src=x onerror=alert(1)>\"'&";
    let body = json!({"code": "X", "name": name, "type": "BASIC", "price": 9_900, "intervalMonths": 1});
    let plan = world.admin().post("/v1/plans", body).await.expect(201)["id"].as_str().unwrap().to_owned();
    let page = Page::of(world, "u1", &plan).await;
    let evil = "code=A&message=%3Cscript%3Ealert(1)%3C/script%3E";
    for reply in [page.look().await, visit(&page.fail(world, evil)).await, page.look().await] {
        assert_eq!(reply.status, 200);
        assert!(!reply.text.contains("<img") && !reply.text.contains("<script>"), "{}", reply.text);
    }
    page.pay(world).await;
    assert!(!page.look().await.text.contains("<img"));
}

async fn what_a_browser_claims_is_never_shown_as_the_shops_words(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    for code in ["REFUND", "REJECT_CARD_COMPANY"] {
        let lure = visit(&page.fail(world, &format!("code={code}&message=call%20010-1234"))).await;
        assert!(lure.status == 200 && !lure.text.contains("call 010-1234"), "{}", lure.text);
        assert!(!page.look().await.text.contains("call 010-1234"));
    }
}

async fn a_page_that_is_not_there_is_still_a_page(world: &World) {
    for path in ["/checkout", "/checkout/", "/checkout/success", "/checkout/x/y/z"] {
        let reply = visit(&format!("{}{path}", world.base)).await;
        assert!((400..500).contains(&reply.status), "{path}: {}", reply.status);
        assert!(reply.header("content-type").starts_with("text/html"), "{path}: {}", reply.text);
        assert!(reply.text.contains("<h1>"), "{path}");
    }
    // What no person looks at keeps the shape of the API.
    world.stranger().get("/nowhere").await.expect_problem(404, "NOT_FOUND");
}

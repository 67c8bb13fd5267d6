//! Payments at the dashboard: found by any name, and told so that everybody sees why a buyer was charged.

use chrono::Duration;
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, PayMethod};

use super::{Desk, text_of};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    one_box_finds_orders_keys_and_users,
    the_list_is_filtered_and_paged,
    the_story_tells_why_the_buyer_was_charged,
    a_deposit_that_the_bank_took_back_is_told_so,
    no_more_exports_at_once_than_the_books_can_bear,
    an_unknown_outcome_is_found_out_by_the_button,
    an_export_brings_what_the_filter_wants,
];

async fn one_box_finds_orders_keys_and_users(world: &World) {
    let plan = world.basic().await;
    let order = world.order("buyer@saas.test", &plan).await;
    let declined =
        world.authenticate_with(Authenticate::new(order.order_id.clone(), 9_900).card("4000000000000001"));
    world.confirm(&order, &declined).await.expect(402);
    let key = world.authenticate(&order);
    world.confirm(&order, &key).await.expect(200);
    let desk = Desk::open(world).await;
    for q in [&order.order_id, &key, &declined, &format!("%20{}%20", order.order_id)] {
        let reply = desk.get(&format!("/admin/payments?q={q}")).await;
        let found = format!("/admin/payments/{}", order.order_id);
        assert_eq!((reply.status, reply.header("location")), (303, found.as_str()), "{q}");
    }
    let listed = desk.page("/admin/payments?q=buyer%40saas.test").await;
    assert!(listed.contains(&order.order_id));
    for q in ["nobody", "no%20name%20at%20all"] {
        assert!(desk.page(&format!("/admin/payments?q={q}")).await.contains("id=\"no-payments\""), "{q}");
    }
}

async fn the_list_is_filtered_and_paged(world: &World) {
    let (basic, event) = (world.basic().await, world.event().await);
    for number in 0..51 {
        world.order(&format!("u{number}"), &basic).await;
    }
    let early = world.buy("u1", &basic).await;
    world.advance(Duration::days(2));
    let late = world.buy("u1", &event).await;
    let desk = Desk::open(world).await;
    let day = |at: chrono::DateTime<chrono::Utc>| {
        at.with_timezone(&chrono_tz::Asia::Seoul).format("%Y-%m-%d").to_string()
    };
    let today = day(world.app.clock.now());
    for (query, early_too, late_too) in [
        (String::new(), true, true),
        (format!("?plan={event}"), false, true),
        (format!("?from={today}"), false, true),
        (format!("?to={}", day(world.app.clock.now() - Duration::days(1))), true, false),
        (format!("?from={today}&to={today}"), false, true),
        ("?status=ABORTED".to_owned(), false, false),
    ] {
        let html = desk.page(&format!("/admin/payments{query}")).await;
        let has = [&early, &late].map(|order| html.contains(&order.order_id));
        assert_eq!(has, [early_too, late_too], "{query}");
    }
    let html = desk.page("/admin/subscriptions?user=%EA%B0%80%20%EB%82%98").await;
    assert!(text_of(&html, "no-subscriptions").contains("사용자 ID"), "{html}");
    // Orders that nobody paid are no payments.
    assert!(!desk.page("/admin/payments").await.contains("id=\"next\""));
    for number in 0..50 {
        world.buy(&format!("v{number}"), &event).await;
    }
    let html = desk.page("/admin/payments").await;
    let (_, rest) = html.split_once("id=\"next\" href=\"").expect("more");
    let next = rest.split('"').next().expect("a link").replace("&#38;", "&");
    let second = desk.page(&next).await;
    assert!(
        !html.contains(&early.order_id)
            && second.contains(&early.order_id)
            && second.contains(&late.order_id)
    );
}

async fn the_story_tells_why_the_buyer_was_charged(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let declined =
        world.authenticate_with(Authenticate::new(order.order_id.clone(), 9_900).card("4000000000000001"));
    world.confirm(&order, &declined).await.expect(402);
    let key = world.authenticate(&order);
    world.confirm(&order, &key).await.expect(200);
    world.refund(&order, Some(900)).await.expect(200);
    world.refund(&order, None).await.expect(200);
    let html = Desk::open(world).await.page(&format!("/admin/payments/{}?lang=en", order.order_id)).await;
    let story = text_of(&html, "story");
    let mut at = 0;
    for line in [
        "The order was quoted: BASIC 요금제 for ₩9,900.",
        "Toss was asked to charge.",
        "nothing was charged.",
        "Toss was asked to charge.",
        "Toss approved: the buyer was charged.",
        "Time was given",
        "A refund was asked for and made: ₩900.",
        "Money held: ₩9,900 → ₩9,000.",
        "A refund was asked for and made: ₩9,000.",
        "Money held: ₩9,000 → ₩0.",
        "The time was taken back",
    ] {
        let found = story[at..].find(line).unwrap_or_else(|| panic!("no {line:?} in {}", &story[at..]));
        at += found + line.len();
    }
    assert!(html.contains("target=\"_blank\" rel=\"noopener noreferrer\""));
    assert_eq!(text_of(&html, "balance"), "₩0");
}

async fn a_deposit_that_the_bank_took_back_is_told_so(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    world.confirm(&order, &key).await.expect(200);
    let desk = Desk::open(world).await;
    let path = format!("/admin/payments/{}", order.order_id);
    world.toss.deposit(&key).expect("paid");
    desk.post(&format!("{path}/settle"), &[]).await;
    assert!(!text_of(&desk.page(&path).await, "story").contains("은행이 입금을 되돌렸습니다"));
    world.toss.reverse_deposit(&key).expect("taken back");
    desk.post(&format!("{path}/settle"), &[]).await;
    let story = text_of(&desk.page(&path).await, "story");
    assert!(story.contains("은행이 입금을 되돌렸습니다"), "{story}");
    assert_eq!(story.matches("가상계좌가 발급되었습니다").count(), 1, "{story}");
}

async fn no_more_exports_at_once_than_the_books_can_bear(world: &World) {
    let desk = Desk::open(world).await;
    let all = u32::try_from(gudok::exports::MOST_AT_ONCE).expect("few");
    let places = world.app.exports.acquire_many(all).await.expect("places");
    let reply = desk.get("/admin/exports/payments").await;
    assert_eq!(reply.status, 503, "{}", reply.text);
    assert!(reply.text.contains("id=\"busy\"") && !reply.text.contains("data-again-after"));
    drop(places);
    for _ in 0..5 {
        // Each gives its place back.
        assert_eq!(desk.get("/admin/exports/payments").await.status, 200);
        while world.app.exports.available_permits() < gudok::exports::MOST_AT_ONCE {
            tokio::task::yield_now().await;
        }
    }
}

async fn an_unknown_outcome_is_found_out_by_the_button(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    world.confirm(&order, &key).await.expect(202);
    let desk = Desk::open(world).await;
    let path = format!("/admin/payments/{}", order.order_id);
    assert_eq!(text_of(&desk.page(&path).await, "payment-state"), "확인 중");
    world.advance(Duration::minutes(1));
    let reply = desk.post(&format!("{path}/settle"), &[]).await;
    assert_eq!((reply.status, reply.header("location")), (303, format!("{path}?notice=asked").as_str()));
    let html = desk.page(reply.header("location")).await;
    assert_eq!(text_of(&html, "payment-state"), "결제 완료");
    assert!(html.contains("id=\"notice\""));
}

async fn an_export_brings_what_the_filter_wants(world: &World) {
    let plan = world.basic().await;
    let (one, other) = (world.buy("u1", &plan).await, world.buy("u2", &plan).await);
    world.refund(&other, None).await.expect(200);
    let desk = Desk::open(world).await;
    let reply = desk.get("/admin/exports/payments?status=DONE").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "text/csv; charset=utf-8"));
    let name = reply.header("content-disposition");
    assert!(name.starts_with("attachment; filename=\"gudok-payments-") && name.ends_with(".csv\""), "{name}");
    assert!(reply.text.contains(&one.order_id) && !reply.text.contains(&other.order_id), "{}", reply.text);
    let refunds = desk.page("/admin/exports/refunds").await;
    assert!(refunds.contains(&other.order_id) && !refunds.contains(&one.order_id));
    let running = desk.page("/admin/exports/subscriptions?active=yes").await;
    assert!(running.contains("u1") && !running.contains("u2"), "{running}");
    assert_eq!(desk.get("/admin/exports/payments?status=PAID").await.status, 400);
}

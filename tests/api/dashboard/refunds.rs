//! Refunds by forms: previewed truly, made once, and refused in words.

use chrono::Duration;
use sea_orm::ConnectionTrait;
use serde_json::Value;
use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, PayMethod};

use super::{Desk, text_of, value_of};
use crate::support::client::Reply;
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    a_refund_does_what_its_preview_said,
    a_part_leaves_the_subscription_and_the_last_part_ends_it,
    a_refund_of_a_dearer_plan_gives_the_old_one_back,
    an_event_refund_lowers_the_total_as_told,
    a_button_pressed_twice_at_once_refunds_once,
    all_of_it_goes_back_once_however_often_the_button_is_pressed,
    a_press_that_is_not_known_to_have_ended_is_followed,
    a_button_pressed_again_later_leads_to_the_same_refund,
    a_preview_that_is_no_longer_true_refunds_nothing,
    an_unknown_outcome_is_told_and_found_out,
    a_refusal_of_toss_is_told,
    a_wish_that_makes_no_sense_is_told_by_field,
    after_the_window_nothing_goes_back,
    a_deposit_goes_back_to_an_account_that_is_named,
];

fn path(order: &Order) -> String {
    format!("/admin/payments/{}/refund", order.order_id)
}

async fn preview(desk: &Desk, order: &Order, amount: &str) -> Reply {
    desk.post(&path(order), &[("step", "preview"), ("amount", amount), ("reason", "변심")]).await
}

/// The fields of the preview's button.
fn button(html: &str) -> Vec<(&'static str, String)> {
    ["csrf", "step", "key", "believed", "amount", "reason", "bank", "accountNumber", "holderName"]
        .into_iter()
        .filter_map(|name| Some((name, value_of(html.split_once("id=\"confirm-form\"")?.1, name)?)))
        .collect()
}

async fn press(desk: &Desk, order: &Order, button: &[(&'static str, String)]) -> Reply {
    let fields: Vec<(&str, &str)> = button.iter().map(|(name, value)| (*name, value.as_str())).collect();
    desk.submit(&path(order), &fields).await
}

/// Previews and confirms; gives the page of the outcome.
async fn refund(desk: &Desk, order: &Order, amount: &str) -> String {
    let shown = preview(desk, order, amount).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let reply = press(desk, order, &button(&shown.text)).await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    desk.page(reply.header("location")).await
}

async fn refunds_of(world: &World, order: &Order) -> Vec<Value> {
    let reply = world.admin().get(&format!("/v1/refunds?orderId={}", order.order_id)).await;
    reply.expect(200)["items"].as_array().expect("refunds").clone()
}

async fn a_refund_does_what_its_preview_said(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let desk = Desk::open(world).await;
    let shown = preview(&desk, &order, "9,900").await;
    assert_eq!(text_of(&shown.text, "goes-back"), "9,900원");
    assert_eq!(text_of(&shown.text, "left"), "9,900원 → 0원");
    assert_eq!(text_of(&shown.text, "becomes"), "환불로 해지 바로 끝납니다");
    assert_eq!(world.payment(&order).await["balanceAmount"], 9_900, "nothing is done yet");
    let html = refund(&desk, &order, "9900").await;
    assert_eq!(text_of(&html, "refund-state"), "환불 완료");
    assert_eq!(text_of(&html, "refund-balance"), "0원");
    assert_eq!(world.subscription("u1").await["status"], "CANCELED");
    assert_eq!(world.ledger_of(&order), (1, 0));
}

async fn a_part_leaves_the_subscription_and_the_last_part_ends_it(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let before = world.subscription("u1").await;
    let desk = Desk::open(world).await;
    let shown = preview(&desk, &order, "4900").await;
    assert_eq!(text_of(&shown.text, "becomes"), "그대로입니다");
    assert_eq!(text_of(&refund(&desk, &order, "4900").await, "refund-balance"), "5,000원");
    assert_eq!(world.subscription("u1").await["endDate"], before["endDate"]);
    refund(&desk, &order, "5000").await;
    assert_eq!(world.subscription("u1").await["status"], "CANCELED");
}

async fn a_refund_of_a_dearer_plan_gives_the_old_one_back(world: &World) {
    let (basic, premium) = (world.basic().await, world.premium().await);
    world.buy("u1", &basic).await;
    world.advance(Duration::days(1));
    let dearer = world.buy("u1", &premium).await;
    let desk = Desk::open(world).await;
    let shown = preview(&desk, &dearer, "19900").await;
    let becomes = text_of(&shown.text, "becomes");
    assert!(becomes.contains("BASIC 요금제") && becomes.contains("이용 중"), "{becomes}");
    let (_, rest) = shown.text.split_once("id=\"becomes-end\" datetime=\"").expect("an end");
    let end = rest.split('"').next().expect("an instant").to_owned();
    refund(&desk, &dearer, "19900").await;
    let after = world.subscription("u1").await;
    assert_eq!(after["plan"]["code"], "BASIC");
    let told = crate::support::world::instant(&Value::from(end));
    let truth = crate::support::world::instant(&after["endDate"]);
    assert_eq!(told.timestamp(), truth.timestamp());
}

async fn an_event_refund_lowers_the_total_as_told(world: &World) {
    let plan = world.event().await;
    let order = world.buy("u1", &plan).await;
    let desk = Desk::open(world).await;
    let shown = preview(&desk, &order, "2000").await;
    assert_eq!(text_of(&shown.text, "becomes"), "−2,000원");
    refund(&desk, &order, "2000").await;
    assert_eq!(world.event_total().await, 3_000);
    assert_eq!(text_of(&desk.page("/admin/event-amounts").await, "event-total"), "3,000원");
    let story = text_of(&desk.page(&format!("/admin/payments/{}", order.order_id)).await, "story");
    assert!(story.contains("이벤트 금액에서 2,000원이 빠졌습니다"), "{story}");
}

async fn a_button_pressed_twice_at_once_refunds_once(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let desk = Desk::open(world).await;
    let button = button(&preview(&desk, &order, "1000").await.text);
    let (one, other, third) = tokio::join!(
        press(&desk, &order, &button),
        press(&desk, &order, &button),
        press(&desk, &order, &button)
    );
    for reply in [&one, &other, &third] {
        assert!([303, 409].contains(&reply.status), "{}: {}", reply.status, reply.text);
    }
    assert!([&one, &other, &third].iter().any(|reply| reply.status == 303));
    assert_eq!(refunds_of(world, &order).await.len(), 1);
    assert_eq!(world.ledger_of(&order), (1, 8_900));
}

async fn all_of_it_goes_back_once_however_often_the_button_is_pressed(world: &World) {
    let plan = world.basic().await;
    let desk = Desk::open(world).await;
    let order = world.buy("u1", &plan).await;
    let one = button(&preview(&desk, &order, "9900").await.text);
    let (first, again) = (press(&desk, &order, &one).await, press(&desk, &order, &one).await);
    assert_eq!((first.status, again.status), (303, 303), "{}", again.text);
    assert_eq!(first.header("location"), again.header("location"));
    let order = world.buy("u2", &plan).await;
    let two = button(&preview(&desk, &order, "9900").await.text);
    let slow = Fault::new(Operation::Cancel, FaultKind::Delay).delay(std::time::Duration::from_millis(500));
    world.toss.inject(slow);
    let (first, again) = tokio::join!(press(&desk, &order, &two), press(&desk, &order, &two));
    assert_eq!((first.status, again.status), (303, 303), "{} {}", first.text, again.text);
    // Whichever came second is followed to the same refund.
    let mut ends = Vec::new();
    for reply in [&first, &again] {
        let mut location = reply.header("location").to_owned();
        if location.starts_with("/admin/payments/") {
            let shown = desk.get(&location).await;
            location = shown.header("location").to_owned();
        }
        ends.push(location);
    }
    assert!(ends[0] == ends[1] && ends[0].starts_with("/admin/refunds/"), "{ends:?}");
    assert_eq!(text_of(&desk.page(&ends[0]).await, "refund-state"), "환불 완료");
    assert_eq!((refunds_of(world, &order).await.len(), world.ledger_of(&order)), (1, (1, 0)));
}

async fn a_press_that_is_not_known_to_have_ended_is_followed(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let desk = Desk::open(world).await;
    let button = button(&preview(&desk, &order, "9900").await.text);
    let key = &button.iter().find(|(name, _)| *name == "key").expect("a key").1;
    let follow = format!("{}/{key}", path(&order));
    let html = desk.page(&follow).await;
    assert!(html.contains("id=\"refund-unknown\"") && !html.contains("data-again-after="), "{html}");
    press(&desk, &order, &button).await;
    let reply = desk.get(&follow).await;
    assert_eq!(reply.status, 303);
    // As if the first press had just come and nobody had made anything yet.
    let sql = "UPDATE idempotency_key SET resource = NULL, response_status = NULL, response_body = NULL,
        response_headers = NULL WHERE caller = 'dashboard'";
    world.app.db.read().execute_unprepared(sql).await.expect("written");
    let again = press(&desk, &order, &button).await;
    assert_eq!((again.status, again.header("location")), (303, follow.as_str()), "{}", again.text);
    let html = desk.page(&follow).await;
    assert!(html.contains("data-again-after=") && !html.contains("되지 않았습니다"), "{html}");
}

async fn a_button_pressed_again_later_leads_to_the_same_refund(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let desk = Desk::open(world).await;
    let button = button(&preview(&desk, &order, "1000").await.text);
    let first = press(&desk, &order, &button).await;
    world.advance(Duration::minutes(10));
    let again = press(&desk, &order, &button).await;
    assert_eq!((first.status, again.status), (303, 303), "{}", again.text);
    assert_eq!(first.header("location"), again.header("location"));
    // The same button with another amount is another matter.
    let forged: Vec<(&str, String)> = button
        .iter()
        .map(|(name, value)| (*name, if *name == "amount" { "2000".to_owned() } else { value.clone() }))
        .collect();
    assert_eq!(press(&desk, &order, &forged).await.status, 422);
    assert_eq!(refunds_of(world, &order).await.len(), 1);
}

async fn a_preview_that_is_no_longer_true_refunds_nothing(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let desk = Desk::open(world).await;
    let stale = button(&preview(&desk, &order, "4900").await.text);
    // Somebody else gives the other part back: this one would end the subscription by now.
    world.refund(&order, Some(5_000)).await.expect(200);
    let reply = press(&desk, &order, &stale).await;
    assert_eq!(reply.status, 409, "{}", reply.text);
    assert!(reply.text.contains("BALANCE_MOVED"));
    assert_eq!(world.payment(&order).await["balanceAmount"], 4_900);
    assert_eq!(refunds_of(world, &order).await.len(), 1);
    refund(&desk, &order, "4900").await;
}

async fn an_unknown_outcome_is_told_and_found_out(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let desk = Desk::open(world).await;
    let earlier = button(&preview(&desk, &order, "9900").await.text);
    let button = button(&preview(&desk, &order, "9900").await.text);
    // Long enough that nothing finds it out by the way.
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropBefore).times(50));
    let reply = press(&desk, &order, &button).await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    let html = desk.page(reply.header("location")).await;
    assert_eq!(text_of(&html, "refund-state"), "확인 중");
    assert!(html.contains("data-again-after="), "the page follows by itself");
    let again = press(&desk, &order, &button).await;
    assert_eq!((again.status, again.header("location")), (303, reply.header("location")));
    // Nobody is led to a second refund meanwhile.
    let link = format!("href=\"{}\"", reply.header("location"));
    for path in [format!("/admin/payments/{}", order.order_id), path(&order)] {
        let html = desk.page(&path).await;
        assert!(html.contains(&link), "{path}: {html}");
        assert!(!html.contains("id=\"refund\"") && !html.contains("id=\"refund-form\""), "{path}");
    }
    let shown = preview(&desk, &order, "100").await;
    assert!(shown.status == 409 && shown.text.contains("id=\"closed\""), "{}", shown.text);
    // A preview from before is no refund either, and nobody is told that nothing goes back.
    let other = press(&desk, &order, &earlier).await;
    assert_eq!(other.status, 409);
    assert!(
        other.text.contains("id=\"pending\"") && !other.text.contains("id=\"refused\""),
        "{}",
        other.text
    );
    world.toss.clear_faults();
    world.advance(Duration::hours(1));
    world.settle().await;
    let html = desk.page(reply.header("location")).await;
    assert_eq!(text_of(&html, "refund-state"), "환불 완료");
    assert_eq!(world.ledger_of(&order), (1, 0));
}

async fn a_refusal_of_toss_is_told(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let desk = Desk::open(world).await;
    let button = button(&preview(&desk, &order, "9900").await.text);
    let no = Fault::new(Operation::Cancel, FaultKind::ErrorBefore).status(403).code("NOT_CANCELABLE_PAYMENT");
    world.toss.inject(no);
    let reply = press(&desk, &order, &button).await;
    assert_eq!(reply.status, 409, "{}", reply.text);
    assert!(reply.text.contains("NOT_CANCELABLE_PAYMENT") && reply.text.contains("id=\"refused\""));
    assert_eq!(world.ledger_of(&order), (1, 9_900));
    let again = press(&desk, &order, &button).await;
    assert_eq!(text_of(&desk.page(again.header("location")).await, "refund-state"), "거절됨");
}

async fn a_wish_that_makes_no_sense_is_told_by_field(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let desk = Desk::open(world).await;
    for amount in ["", "0", "-1", "9901", "1.5", "viel", "99999999999999999999"] {
        let reply = preview(&desk, &order, amount).await;
        assert_eq!(reply.status, 400, "{amount}");
        assert!(text_of(&reply.text, "faults").starts_with("금액:"), "{amount}");
    }
    let long = "x".repeat(201);
    for reason in ["", "  ", &long] {
        let fields = [("step", "preview"), ("amount", "100"), ("reason", reason)];
        let reply = desk.post(&path(&order), &fields).await;
        assert_eq!(reply.status, 400);
        assert!(text_of(&reply.text, "faults").starts_with("사유:"));
    }
    assert!(refunds_of(world, &order).await.is_empty());
}

async fn after_the_window_nothing_goes_back(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let desk = Desk::open(world).await;
    let early = button(&preview(&desk, &order, "9900").await.text);
    world.advance(Duration::days(3) + Duration::seconds(2));
    let desk = Desk::open(world).await;
    let csrf = desk.csrf().await;
    assert!(desk.page(&path(&order)).await.contains("id=\"window-closed\""));
    let reply = preview(&desk, &order, "9900").await;
    assert_eq!(reply.status, 409);
    let late: Vec<(&str, String)> = early
        .into_iter()
        .map(|(name, value)| (name, if name == "csrf" { csrf.clone() } else { value }))
        .collect();
    let reply = press(&desk, &order, &late).await;
    assert_eq!(reply.status, 409);
    assert!(reply.text.contains("REFUND_WINDOW_CLOSED"), "{}", reply.text);
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn a_deposit_goes_back_to_an_account_that_is_named(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    world.confirm(&order, &key).await.expect(200);
    let desk = Desk::open(world).await;
    assert!(desk.page(&path(&order)).await.contains("id=\"closed\""), "no money has come in");
    world.toss.deposit(&key).expect("paid");
    desk.post(&format!("/admin/payments/{}/settle", order.order_id), &[]).await;
    let reply = preview(&desk, &order, "9900").await;
    assert_eq!(reply.status, 400, "without an account");
    assert!(text_of(&reply.text, "faults").contains("계좌번호"));
    let account = [("bank", "88"), ("accountNumber", "110-123-456789"), ("holderName", "홍길동")];
    let wish = [("step", "preview"), ("amount", "9900"), ("reason", "변심")];
    let shown = desk.post(&path(&order), &[wish, account].concat()).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(shown.text.contains("신한 110123456789 (홍길동)"));
    let reply = press(&desk, &order, &button(&shown.text)).await;
    assert_eq!(text_of(&desk.page(reply.header("location")).await, "refund-state"), "환불 완료");
    let story = desk.page(&format!("/admin/payments/{}", order.order_id)).await;
    assert!(!story.contains("110123456789"), "the account is forgotten");
}

//! The success URL: it charges once, whatever browsers do with it, and always ends on the truth.

use toss_sandbox::{Authenticate, Fault, FaultKind, Operation, PayMethod};

use super::{Page, assert_sent_to, visit};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    coming_back_charges_once_and_shows_the_receipt,
    reloading_the_success_url_charges_nobody_twice,
    ten_tabs_at_once_charge_once,
    paying_twice_for_one_order_takes_the_money_of_one,
    an_amount_that_the_browser_made_up_charges_nothing,
    a_lost_answer_shows_that_it_is_being_confirmed_and_then_the_receipt,
    a_toss_that_is_down_is_waited_for,
    an_account_shows_where_to_pay_and_then_the_receipt,
    a_refund_is_on_the_receipt,
    nothing_is_charged_for_who_only_looks_whether_the_address_is_there,
    an_account_whose_term_has_passed_is_not_to_be_paid,
    an_event_shows_no_period,
];

async fn coming_back_charges_once_and_shows_the_receipt(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    assert_eq!(page.state(world).await["state"], "OPEN");
    let back = page.pay(world).await;
    assert_sent_to(&back, &page);
    assert!(!back.header("location").contains("paymentKey"));
    let receipt = page.look().await;
    assert_eq!(receipt.status, 200);
    for shown in
        ["결제가 완료되었습니다", "9,900원", "id=\"method\"", "영수증", "이용 기간", &page.order.order_id]
    {
        assert!(receipt.text.contains(shown), "{shown}: {}", receipt.text);
    }
    assert_eq!(page.state(world).await["state"], "PAID");
    assert_eq!(world.ledger_of(&page.order), (1, 9_900));
}

async fn reloading_the_success_url_charges_nobody_twice(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let key = world.authenticate(&page.order);
    let url = page.success(world, &key, 9_900);
    for _ in 0..3 {
        assert_sent_to(&visit(&url).await, &page);
    }
    assert_eq!((world.confirms_received(&page.order), world.ledger_of(&page.order)), (1, (1, 9_900)));
}

async fn ten_tabs_at_once_charge_once(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let key = world.authenticate(&page.order);
    let url = page.success(world, &key, 9_900);
    let replies = futures_util::future::join_all((0..10).map(|_| visit(&url))).await;
    for reply in &replies {
        assert_sent_to(reply, &page);
    }
    world.await_status(&page.order, "DONE").await;
    assert_eq!((world.confirms_received(&page.order), world.ledger_of(&page.order)), (1, (1, 9_900)));
}

async fn paying_twice_for_one_order_takes_the_money_of_one(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let (first, second) = (world.authenticate(&page.order), world.authenticate(&page.order));
    assert_sent_to(&visit(&page.success(world, &first, 9_900)).await, &page);
    assert_sent_to(&visit(&page.success(world, &second, 9_900)).await, &page);
    assert!(page.look().await.text.contains("결제가 완료되었습니다"));
    assert_eq!(world.ledger_of(&page.order), (1, 9_900));
}

async fn an_amount_that_the_browser_made_up_charges_nothing(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let key = world.authenticate(&page.order);
    let good = page.success(world, &key, 9_900);
    let odd = [
        good.replace("amount=9900", "amount=9900.5"),
        good.replace(&key, ""),
        good.replace("&amount=9900", ""),
    ];
    let made_up = [1, 9_901, -9_900].map(|amount| page.success(world, &key, amount));
    for url in made_up.into_iter().chain(odd) {
        // Nothing is asked of Toss, and the buyer sees the order as it stands: to be paid.
        assert_sent_to(&visit(&url).await, &page);
        assert_eq!(page.state(world).await["state"], "OPEN", "{url}");
    }
    assert_eq!(world.confirms_received(&page.order), 0);
    assert_sent_to(&visit(&page.success(world, &key, 9_900)).await, &page);
}

async fn a_lost_answer_shows_that_it_is_being_confirmed_and_then_the_receipt(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let key = world.authenticate(&page.order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    let url = page.success(world, &key, 9_900);
    assert_sent_to(&visit(&url).await, &page);
    assert!(page.look().await.text.contains("결제 확인 중"), "{}", page.look().await.text);
    assert_eq!(page.state(world).await["state"], "CONFIRMING");
    // A reload while it is open asks Toss for nothing new.
    assert_sent_to(&visit(&url).await, &page);
    assert_eq!(world.confirms_received(&page.order), 1);
    world.settle().await;
    world.await_status(&page.order, "DONE").await;
    assert_eq!(page.state(world).await["state"], "PAID");
    assert!(page.look().await.text.contains("결제가 완료되었습니다"));
    assert_eq!(world.ledger_of(&page.order), (1, 9_900));
}

async fn a_toss_that_is_down_is_waited_for(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let key = world.authenticate(&page.order);
    let busy = Fault::new(Operation::Confirm, FaultKind::RateLimited);
    world.toss.inject(busy);
    let url = page.success(world, &key, 9_900);
    assert_sent_to(&visit(&url).await, &page);
    // Toss wants a pause: the buyer of another order is told so by a page that tries again by itself.
    let other = Page::of(world, "u2", &world.premium().await).await;
    let key = world.authenticate(&other.order);
    let refused = visit(&other.success(world, &key, 19_900)).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(refused.text.contains("data-again-after") && refused.text.contains("다시 시도"));
    assert_eq!(world.confirms_received(&other.order), 0);
    world.advance(chrono::Duration::minutes(2));
    world.run_job("settle-payments").await;
    world.await_status(&page.order, "DONE").await;
    assert_sent_to(&visit(&other.success(world, &key, 19_900)).await, &other);
    world.await_status(&other.order, "DONE").await;
}

async fn an_account_shows_where_to_pay_and_then_the_receipt(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let buyer = Authenticate::new(page.order.order_id.clone(), 9_900).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    assert_sent_to(&visit(&page.success(world, &key, 9_900)).await, &page);
    let account = world.payment(&page.order).await["virtualAccount"].clone();
    let shown = page.look().await;
    for field in ["bank", "accountNumber"] {
        let value = account[field].as_str().expect("a text");
        assert!(shown.text.contains(value), "{value}: {}", shown.text);
    }
    assert!(shown.text.contains("입금 기한") && shown.text.contains("id=\"due\""), "{}", shown.text);
    assert_eq!(page.state(world).await["state"], "DEPOSIT");
    world.listen_to_webhooks();
    world.toss.deposit(&key).expect("paid");
    world.work_webhooks_off().await;
    assert_eq!(page.state(world).await["state"], "PAID");
    assert!(page.look().await.text.contains("결제가 완료되었습니다"));
}

async fn a_refund_is_on_the_receipt(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    page.pay(world).await;
    world.refund(&page.order, Some(900)).await.expect(200);
    let part = page.look().await;
    assert!(
        part.text.contains("결제가 완료되었습니다") && part.text.contains("900원 부분 환불"),
        "{}",
        part.text
    );
    world.refund(&page.order, None).await.expect(200);
    assert!(page.look().await.text.contains("환불된 결제입니다"));
    assert_eq!(world.ledger_of(&page.order), (1, 0));
}

async fn an_event_shows_no_period(world: &World) {
    let page = Page::of(world, "u1", &world.event().await).await;
    assert_sent_to(&page.pay(world).await, &page);
    let receipt = page.look().await;
    assert!(receipt.text.contains("5,000원") && !receipt.text.contains("이용 기간"), "{}", receipt.text);
}

async fn nothing_is_charged_for_who_only_looks_whether_the_address_is_there(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let key = world.authenticate(&page.order);
    let urls = [page.success(world, &key, 9_900), page.fail(world, "code=X&message=x")];
    for url in &urls {
        let client =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let head = client.head(url).send().await.expect("an answer");
        assert_eq!(head.status().as_u16(), 405, "{url}");
        for (name, value) in [("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch")] {
            let ahead = client.get(url).header(name, value).send().await.expect("an answer");
            assert_eq!(ahead.status().as_u16(), 503, "{url}");
        }
    }
    assert_eq!(world.confirms_received(&page.order), 0);
    assert_eq!(page.state(world).await["state"], "OPEN");
    assert_sent_to(&visit(&urls[0]).await, &page);
}

async fn an_account_whose_term_has_passed_is_not_to_be_paid(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let buyer = Authenticate::new(page.order.order_id.clone(), 9_900).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    visit(&page.success(world, &key, 9_900)).await;
    let due = crate::support::world::instant(&world.payment(&page.order).await["virtualAccount"]["dueDate"]);
    world.advance_to(due - chrono::Duration::seconds(60));
    assert_eq!(page.state(world).await["state"], "DEPOSIT");
    world.advance_to(due + chrono::Duration::seconds(1));
    assert_eq!(page.state(world).await["state"], "OVER");
    let over = page.look().await;
    assert!(over.status == 410 && over.text.contains("입금 기한이 지났습니다"), "{}", over.text);
}

//! When nothing was paid: declined, given up, or too late.

use chrono::Duration;
use toss_sandbox::{Authenticate, PayMethod};

use super::{Page, assert_sent_to, visit};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_declined_card_is_told_and_another_card_pays,
    the_fail_url_writes_down_why_and_offers_another_try,
    the_fail_url_never_undoes_a_payment,
    what_a_browser_claims_at_the_fail_url_is_bounded,
    an_order_that_nobody_paid_in_time_is_over,
    an_account_that_nobody_paid_is_over,
];

async fn a_declined_card_is_told_and_another_card_pays(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let card = Authenticate::new(page.order.order_id.clone(), 9_900).card("4000000000000002");
    let key = world.authenticate_with(card);
    assert_sent_to(&visit(&page.success(world, &key, 9_900)).await, &page);
    let again = page.look().await;
    let code = world.payment(&page.order).await["failure"]["code"].as_str().expect("a code").to_owned();
    assert!(again.text.contains(&code) && again.text.contains("id=\"pay\""), "{}", again.text);
    assert_eq!(page.state(world).await["state"], "OPEN");
    assert_sent_to(&page.pay(world).await, &page);
    assert!(page.look().await.text.contains("결제가 완료되었습니다"));
    assert_eq!(world.ledger_of(&page.order), (1, 9_900));
}

async fn the_fail_url_writes_down_why_and_offers_another_try(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    // Toss names no order when the buyer has closed the window.
    let url = page.fail(world, "code=PAY_PROCESS_CANCELED&message=%EC%B7%A8%EC%86%8C");
    for _ in 0..2 {
        let failed = visit(&url).await;
        assert_eq!(failed.status, 200);
        assert!(
            failed.text.contains("결제를 취소했습니다") && failed.text.contains("다시 결제하기"),
            "{}",
            failed.text
        );
    }
    let payment = world.payment(&page.order).await;
    assert_eq!(
        (&payment["status"], &payment["failure"]["code"]),
        (&"ABORTED".into(), &"PAY_PROCESS_CANCELED".into())
    );
    let refused = visit(&page.fail(world, "code=REJECT_CARD_COMPANY&message=no")).await;
    assert!(refused.text.contains("REJECT_CARD_COMPANY"), "{}", refused.text);
    assert_sent_to(&page.pay(world).await, &page);
    assert_eq!(world.ledger_of(&page.order), (1, 9_900));
}

async fn the_fail_url_never_undoes_a_payment(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    page.pay(world).await;
    let late = visit(&page.fail(world, "code=PAY_PROCESS_ABORTED&message=x")).await;
    assert_sent_to(&late, &page);
    assert!(page.look().await.text.contains("결제가 완료되었습니다"));
    assert_eq!(world.payment(&page.order).await["status"], "DONE");
}

async fn what_a_browser_claims_at_the_fail_url_is_bounded(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let long = "x".repeat(2_000);
    for rest in [format!("code={long}&message={long}"), "code=&message=".to_owned(), String::new()] {
        assert_eq!(visit(&page.fail(world, &rest)).await.status, 200, "{rest}");
    }
    let failure = world.payment(&page.order).await["failure"].clone();
    assert_eq!(failure["code"], "UNKNOWN");
    assert!(failure["message"].as_str().is_some_and(|message| message.len() <= 510));
}

async fn an_order_that_nobody_paid_in_time_is_over(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let key = world.authenticate(&page.order);
    world.advance(Duration::minutes(30));
    let over = page.look().await;
    assert_eq!(over.status, 410);
    assert!(over.text.contains("결제 기한이 지난 주문"), "{}", over.text);
    assert_sent_to(&visit(&page.success(world, &key, 9_900)).await, &page);
    assert_eq!(world.confirms_received(&page.order), 0);
    // The same once the order itself is gone.
    world.run_job("purge-temp-orders").await;
    assert_eq!(page.look().await.status, 410);
    assert_sent_to(&visit(&page.fail(world, "code=X&message=x")).await, &page);
    assert_eq!(page.state(world).await["state"], "OVER");
}

async fn an_account_that_nobody_paid_is_over(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let buyer = Authenticate::new(page.order.order_id.clone(), 9_900).method(PayMethod::VirtualAccount);
    let key = world.authenticate_with(buyer);
    visit(&page.success(world, &key, 9_900)).await;
    assert_eq!(page.state(world).await["state"], "DEPOSIT");
    world.listen_to_webhooks();
    world.toss.console_cancel(&key, None, "입금 전 취소").expect("cancelled");
    world.work_webhooks_off().await;
    assert_eq!(page.state(world).await["state"], "OVER");
    let over = page.look().await;
    assert!(over.text.contains("취소된 주문입니다") && !over.text.contains("환불"), "{}", over.text);
}

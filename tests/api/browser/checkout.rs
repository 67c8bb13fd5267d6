//! Buying in a real browser: the hosted checkout, untouched, with the sandbox's payment window.

use serde_json::json;
use thirtyfour::prelude::Key;
use toss_sandbox::{Fault, FaultKind, Operation, Options, Sandbox};

use crate::checkout::Page;
use crate::support::browser::Browser;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_buyer_pays_by_card_and_sees_the_receipt,
    a_declined_card_costs_nothing_and_another_pays,
    a_closed_window_costs_nothing_and_can_be_opened_again,
    a_refusal_in_the_window_is_told,
    reloading_while_it_is_confirmed_charges_once,
    a_lost_answer_ends_on_the_receipt,
    a_lost_connection_ends_on_the_receipt,
    an_account_shows_where_to_pay_and_the_receipt_once_it_is_paid,
    a_buyer_pays_on_a_phone_in_the_dark,
    a_buyer_pays_in_english,
    a_buyer_pays_with_keys_alone,
    the_back_button_shows_the_receipt,
    a_second_tab_does_not_pay_again,
    a_shop_gets_its_buyer_back,
    a_toss_that_cannot_be_loaded_is_told,
    terms_that_are_not_agreed_to_are_told_and_the_button_works_again,
    a_pair_of_api_keys_opens_the_payment_window_without_the_widget,
    a_page_that_cannot_be_served_comes_back_by_itself,
    what_is_over_is_said_in_a_page_that_all_can_read,
];

const WINDOW: &str = "iframe[name=toss-payment-window]";
const METHODS: &str = "iframe[name=toss-payment-methods]";

/// Opens the order's page, and waits until it can be paid.
async fn open(browser: &Browser, page: &Page) {
    browser.open(&page.url).await;
    browser.wait_for(METHODS).await;
    browser.wait_for("#pay:enabled").await;
}

/// Opens the payment window and goes into it.
async fn open_window(browser: &Browser) {
    browser.click("#pay").await;
    browser.in_frame(WINDOW).await;
    browser.wait_for("#pay").await;
}

/// Pays with `card` in the window, with `fault` on the way.
async fn pay_with(browser: &Browser, card: &str, fault: &str) {
    open_window(browser).await;
    browser.click(&format!("input[name=card][value={card}]")).await;
    browser.click(&format!("input[name=fault][value={fault}]")).await;
    browser.click("#pay").await;
    browser.out_of_frame().await;
}

async fn basic(world: &World) -> Page {
    Page::of(world, "u1", &world.basic().await).await
}

/// The receipt is there, for one charge.
async fn assert_paid_once(world: &World, browser: &Browser, page: &Page) {
    browser.wait_for("#receipt[data-status=DONE]").await;
    let url = browser.url().await;
    assert_eq!(url.path(), format!("/checkout/{}", page.order.order_id));
    assert!(!url.as_str().contains("paymentKey"), "{url}");
    assert_eq!(world.ledger_of(&page.order), (1, page.order.amount));
}

async fn a_buyer_pays_by_card_and_sees_the_receipt(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().await);
    open(&browser, &page).await;
    assert!(browser.text("main").await.contains("9,900원"));
    browser.accessible().await;
    browser.picture("checkout").await;
    open_window(&browser).await;
    browser.accessible().await;
    browser.picture("payment-window").await;
    browser.click("input[name=card][value=approve]").await;
    browser.click("#pay").await;
    browser.out_of_frame().await;
    assert_paid_once(world, &browser, &page).await;
    browser.accessible().await;
    browser.picture("receipt").await;
    browser.click("#toss-receipt").await;
    browser.tab(1).await;
    browser.wait_for_text("9,900").await;
    browser.accessible().await;
}

async fn a_declined_card_costs_nothing_and_another_pays(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().await);
    open(&browser, &page).await;
    pay_with(&browser, "declined", "none").await;
    browser.wait_for("#last-failure").await;
    assert!(browser.text("#last-failure").await.contains("REJECT_CARD_COMPANY"));
    browser.accessible().await;
    assert_eq!(world.ledger_of(&page.order), (0, 0));
    browser.wait_for("#pay:enabled").await;
    pay_with(&browser, "check", "none").await;
    assert_paid_once(world, &browser, &page).await;
}

async fn a_closed_window_costs_nothing_and_can_be_opened_again(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().await);
    open(&browser, &page).await;
    open_window(&browser).await;
    browser.click("#close-window").await;
    browser.out_of_frame().await;
    browser.wait_for("#failed[data-code=PAY_PROCESS_CANCELED]").await;
    browser.accessible().await;
    assert_eq!(world.payment(&page.order).await["failure"]["code"], "PAY_PROCESS_CANCELED");
    browser.click("#again").await;
    browser.wait_for("#pay:enabled").await;
    pay_with(&browser, "approve", "none").await;
    assert_paid_once(world, &browser, &page).await;
}

async fn a_refusal_in_the_window_is_told(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().await);
    open(&browser, &page).await;
    open_window(&browser).await;
    browser.click("#refuse").await;
    browser.out_of_frame().await;
    browser.wait_for("#failed[data-code=PAY_PROCESS_ABORTED]").await;
    assert_eq!(world.ledger_of(&page.order), (0, 0));
}

async fn reloading_while_it_is_confirmed_charges_once(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().await);
    open(&browser, &page).await;
    pay_with(&browser, "approve", "slow").await;
    browser.wait_for("#waiting[data-state=CONFIRMING]").await;
    browser.accessible().await;
    browser.picture("confirming").await;
    browser.reload().await;
    assert_paid_once(world, &browser, &page).await;
    assert_eq!(world.confirms_received(&page.order), 1);
}

async fn a_lost_answer_ends_on_the_receipt(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().await);
    open(&browser, &page).await;
    pay_with(&browser, "approve", "answer-lost").await;
    browser.wait_for("#waiting[data-state=CONFIRMING]").await;
    world.settle().await;
    // The page follows without being touched.
    assert_paid_once(world, &browser, &page).await;
}

async fn a_lost_connection_ends_on_the_receipt(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().await);
    open(&browser, &page).await;
    pay_with(&browser, "approve", "slow").await;
    browser.wait_for("#waiting[data-state=CONFIRMING]").await;
    browser.tolerates_error("net::ERR_INTERNET_DISCONNECTED");
    browser.offline(true).await;
    browser.wait_for_text("연결이 끊겼습니다").await;
    world.await_status(&page.order, "DONE").await;
    browser.offline(false).await;
    assert_paid_once(world, &browser, &page).await;
}

async fn an_account_shows_where_to_pay_and_the_receipt_once_it_is_paid(world: &World) {
    world.listen_to_webhooks();
    let (page, browser) = (basic(world).await, world.browser().await);
    open(&browser, &page).await;
    browser.in_frame(METHODS).await;
    browser.click("#method-virtual-account").await;
    browser.out_of_frame().await;
    open_window(&browser).await;
    browser.accessible().await;
    browser.click("#pay").await;
    browser.out_of_frame().await;
    browser.wait_for("#waiting[data-state=DEPOSIT]").await;
    let account = world.payment(&page.order).await["virtualAccount"].clone();
    assert_eq!(browser.text("#bank").await, account["bank"].as_str().expect("a bank"));
    assert_eq!(browser.text("#account-number").await, account["accountNumber"].as_str().expect("a number"));
    assert!(browser.text("#due").await.contains("년"));
    browser.accessible().await;
    browser.picture("virtual-account").await;
    browser.new_tab().await;
    browser.open(&format!("{}/sandbox/bank/{}", world.toss.url(), page.order.order_id)).await;
    browser.accessible().await;
    browser.click(&format!("button[data-order=\"{}\"]", page.order.order_id)).await;
    browser.wait_for(".done").await;
    world.work_webhooks_off().await;
    browser.tab(0).await;
    assert_paid_once(world, &browser, &page).await;
}

async fn a_buyer_pays_on_a_phone_in_the_dark(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().phone().dark().await);
    open(&browser, &page).await;
    // `innerWidth` would grow with what is too wide.
    let wide = "Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)";
    assert_eq!(browser.evaluate(wide).await, 0, "nothing to scroll sideways");
    browser.accessible().await;
    browser.picture("checkout-phone").await;
    browser.click("#pay").await;
    // A phone shows the window in the tab itself.
    let sandbox = url::Url::parse(&world.toss.url()).expect("a URL");
    browser.wait_for_url(|url| url.origin() == sandbox.origin()).await;
    browser.click("#pay").await;
    assert_paid_once(world, &browser, &page).await;
    assert_eq!(browser.evaluate(wide).await, 0);
    browser.accessible().await;
}

async fn a_buyer_pays_in_english(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().english().await);
    open(&browser, &page).await;
    assert!(browser.text("main").await.contains("₩9,900"));
    assert!(browser.text("#pay").await.contains("pay"));
    browser.accessible().await;
    pay_with(&browser, "approve", "none").await;
    assert_paid_once(world, &browser, &page).await;
    assert!(browser.text("main").await.contains("Payment complete"));
    browser.click(".language").await;
    browser.wait_for_text("결제가 완료되었습니다").await;
}

async fn a_buyer_pays_with_keys_alone(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().await);
    open(&browser, &page).await;
    browser.press(Key::Tab).await;
    assert_eq!(browser.evaluate("document.activeElement.className").await, "skip");
    browser.press(Key::Enter).await;
    tab_to(&browser, "pay").await;
    browser.press(Key::Enter).await;
    browser.in_frame(WINDOW).await;
    browser.wait_for("#pay").await;
    tab_to(&browser, "pay").await;
    browser.press(Key::Enter).await;
    browser.out_of_frame().await;
    assert_paid_once(world, &browser, &page).await;
}

/// Presses Tab until the element with this id has the focus.
async fn tab_to(browser: &Browser, id: &str) {
    for _ in 0..40 {
        if browser.evaluate("document.activeElement?.id").await == id {
            return;
        }
        browser.press(Key::Tab).await;
    }
    panic!("no key leads to #{id}");
}

async fn the_back_button_shows_the_receipt(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().await);
    open(&browser, &page).await;
    pay_with(&browser, "approve", "none").await;
    assert_paid_once(world, &browser, &page).await;
    browser.evaluate("document.documentElement.dataset.left = 'behind'").await;
    browser.back().await;
    browser.wait_until_gone("html[data-left]").await;
    assert_paid_once(world, &browser, &page).await;
}

async fn a_second_tab_does_not_pay_again(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().await);
    open(&browser, &page).await;
    browser.new_tab().await;
    open(&browser, &page).await;
    pay_with(&browser, "approve", "none").await;
    assert_paid_once(world, &browser, &page).await;
    browser.tab(0).await;
    browser.click("#pay").await;
    assert_paid_once(world, &browser, &page).await;
}

async fn a_shop_gets_its_buyer_back(world: &World) {
    let (plan, shop) = (world.basic().await, world.toss.url());
    let body = json!({"planId": plan, "userId": "u1", "successUrl": format!("{shop}/?from=gudok")});
    let (page, browser) = (Page::quoted(world, body).await, world.browser().await);
    open(&browser, &page).await;
    // Also where the answer is late, so that the waiting page sends the buyer on.
    pay_with(&browser, "approve", "slow").await;
    browser.wait_for("#waiting[data-state=CONFIRMING]").await;
    browser.wait_for_url(|url| url.as_str().starts_with(&format!("{shop}/?from=gudok&orderId="))).await;
    assert_eq!(world.ledger_of(&page.order), (1, 9_900));
}

async fn a_toss_that_cannot_be_loaded_is_told(world: &World) {
    let changed = [("GUDOK__TOSS__SDK_URL", "http://127.0.0.1:9/v2/standard")];
    let (app, client) = world.second_service_with(&changed).await;
    let plan = world.basic().await;
    let reply = client.post("/v1/temp-orders", json!({"planId": plan, "userId": "u1"})).await;
    let url = reply.expect(201)["checkoutUrl"].as_str().expect("a link").to_owned();
    let browser = world.browser().await;
    browser.expects_error("127.0.0.1:9");
    browser.open(&url).await;
    browser.wait_for_text("결제 수단을 불러오지 못했습니다").await;
    browser.accessible().await;
    app.stopping.cancel();
}

async fn terms_that_are_not_agreed_to_are_told_and_the_button_works_again(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().await);
    open(&browser, &page).await;
    browser.in_frame("iframe[name=toss-agreement]").await;
    browser.click("#agree-required").await;
    browser.out_of_frame().await;
    browser.click("#pay").await;
    browser.wait_for("#message").await;
    assert!(browser.text("#message").await.contains("결제창을 열지 못했습니다"));
    assert_eq!(browser.evaluate("document.activeElement.id").await, "pay");
    browser.in_frame("iframe[name=toss-agreement]").await;
    browser.click("#agree-required").await;
    browser.out_of_frame().await;
    pay_with(&browser, "approve", "none").await;
    assert_paid_once(world, &browser, &page).await;
}

async fn a_pair_of_api_keys_opens_the_payment_window_without_the_widget(world: &World) {
    let options = Options {
        clock: world.toss.clock().clone(),
        secret_key: "test_sk_another".to_owned(),
        client_key: "test_ck_another".to_owned(),
        ..Options::default()
    };
    let toss = Sandbox::start(options).await.expect("a sandbox");
    let (app, client) = world
        .second_service_with(&[
            ("GUDOK__TOSS__BASE_URL", &toss.url()),
            ("GUDOK__TOSS__SDK_URL", &format!("{}/v2/standard", toss.url())),
            ("GUDOK__TOSS__SECRET_KEY", toss.secret_key()),
            ("GUDOK__TOSS__CLIENT_KEY", toss.client_key()),
        ])
        .await;
    // Paid at another Toss than the world's own, whose ledger knows nothing of it.
    world.forge();
    let plan = world.basic().await;
    let reply = client.post("/v1/temp-orders", json!({"planId": plan, "userId": "u1"})).await;
    let url = reply.expect(201)["checkoutUrl"].as_str().expect("a link").to_owned();
    let browser = world.browser().await;
    browser.open(&url).await;
    browser.wait_for("#pay:enabled").await;
    browser.wait_for("#methods").await;
    browser.accessible().await;
    browser.click("input[name=method][value=MOBILE_PHONE]").await;
    open_window(&browser).await;
    browser.click("#pay").await;
    browser.out_of_frame().await;
    browser.wait_for("#receipt[data-status=DONE]").await;
    assert_eq!(browser.text("#method").await, "휴대폰");
    app.stopping.cancel();
    toss.stop().await;
}

async fn a_page_that_cannot_be_served_comes_back_by_itself(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().await);
    // Toss wants a pause, and somebody else has met it first.
    let other = Page::of(world, "u2", &world.premium().await).await;
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::RateLimited).retry_after(60));
    other.pay(world).await;
    open(&browser, &page).await;
    browser.expects_error("503");
    pay_with(&browser, "approve", "none").await;
    browser.wait_for_text("이 창을 닫지 마세요").await;
    browser.accessible().await;
    world.advance(chrono::Duration::seconds(90));
    assert_paid_once(world, &browser, &page).await;
    world.run_job("settle-payments").await;
    world.await_status(&other.order, "DONE").await;
}

async fn what_is_over_is_said_in_a_page_that_all_can_read(world: &World) {
    let (page, browser) = (basic(world).await, world.browser().dark().await);
    let refunded = Page::of(world, "u2", &world.premium().await).await;
    refunded.pay(world).await;
    world.refund(&refunded.order, None).await.expect(200);
    browser.open(&refunded.url).await;
    browser.wait_for_text("환불된 결제입니다").await;
    browser.accessible().await;
    world.advance(chrono::Duration::minutes(31));
    for status in ["410", "404"] {
        browser.expects_error(status);
    }
    browser.open(&page.url).await;
    browser.wait_for("#over").await;
    browser.accessible().await;
    browser.open("/checkout/nothing-here?token=x").await;
    browser.wait_for("h1").await;
    browser.accessible().await;
}

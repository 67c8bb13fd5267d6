//! The dashboard in a real browser: signing in, looking, refunding, running jobs, and leaving.

use crate::support::browser::Browser;
use crate::support::client::ADMIN_KEY;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    an_operator_signs_in_and_out,
    a_refund_is_searched_previewed_and_made,
    a_job_is_run_by_its_button,
    every_page_can_be_used_by_everybody,
    the_dashboard_fits_a_phone_in_the_dark,
    the_dashboard_speaks_english,
];

/// Signs in with the form, and waits for the first page.
pub(super) async fn sign_in(browser: &Browser) {
    browser.open("/admin").await;
    browser.wait_for("#sign-in").await;
    browser.type_into("#key", ADMIN_KEY).await;
    browser.click("#sign-in button").await;
    browser.wait_for("#figures").await;
}

async fn an_operator_signs_in_and_out(world: &World) {
    let browser = world.browser().await;
    browser.expects_error("401 (Unauthorized)");
    browser.open("/admin/plans").await;
    browser.accessible().await;
    browser.type_into("#key", "wrong").await;
    browser.click("#sign-in button").await;
    browser.wait_for("#problem").await;
    browser.accessible().await;
    browser.type_into("#key", ADMIN_KEY).await;
    browser.click("#sign-in button").await;
    browser.wait_for("#new-plan").await;
    assert_eq!(browser.url().await.path(), "/admin/plans", "the page that was asked for");
    assert_eq!(
        browser.evaluate("document.cookie.includes('session')").await,
        false,
        "scripts cannot read it"
    );
    assert_eq!(browser.evaluate("localStorage.length + sessionStorage.length").await, 0);
    browser.click("#sign-out button").await;
    browser.wait_for("#sign-in").await;
    browser.open("/admin").await;
    browser.wait_for("#sign-in").await;
}

async fn a_refund_is_searched_previewed_and_made(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let browser = world.browser().await;
    sign_in(&browser).await;
    browser.open("/admin/payments").await;
    browser.type_into("#q", &order.order_id).await;
    browser.click("#payment-search button").await;
    browser.wait_for("#story").await;
    browser.accessible().await;
    browser.click("#refund").await;
    browser.wait_for("#refund-form").await;
    browser.type_into("#reason", "고객 요청").await;
    browser.accessible().await;
    browser.click("#preview").await;
    browser.wait_for("#refund-preview").await;
    assert_eq!(browser.text("#goes-back").await, "9,900원");
    browser.accessible().await;
    browser.picture("dashboard-refund").await;
    assert_eq!(world.ledger_of(&order), (1, 9_900), "nothing is done yet");
    browser.click("#confirm").await;
    browser.wait_for("#refund-outcome").await;
    assert_eq!(browser.text("#refund-state").await, "환불 완료");
    browser.accessible().await;
    assert_eq!(world.ledger_of(&order), (1, 0));
    assert_eq!(world.subscription("u1").await["status"], "CANCELED");
}

async fn a_job_is_run_by_its_button(world: &World) {
    let browser = world.browser().await;
    sign_in(&browser).await;
    browser.open("/admin/jobs").await;
    browser.click("#job-check button").await;
    browser.wait_for("#notice").await;
    assert!(browser.text("#job-check").await.contains("성공"));
    browser.accessible().await;
}

/// Something on every page, and the paths of all of them.
async fn pages(world: &World) -> Vec<String> {
    let (basic, event) = (world.basic().await, world.event().await);
    let order = world.buy("u1", &basic).await;
    world.buy("u2", &event).await;
    let declined = world.order("u3", &basic).await;
    let buyer = toss_sandbox::Authenticate::new(declined.order_id.clone(), 9_900).card("4000000000000001");
    let key = world.authenticate_with(buyer);
    world.confirm(&declined, &key).await.expect(402);
    world.refund(&order, Some(900)).await.expect(200);
    world.run_job("check").await;
    let paths = [
        "/admin",
        "/admin/attention",
        "/admin/payments",
        "/admin/payments?q=nobody",
        "/admin/subscriptions",
        "/admin/subscriptions/u1",
        "/admin/plans",
        "/admin/plans/new",
        "/admin/event-amounts",
        "/admin/audit",
        "/admin/jobs",
        "/admin/jobs/check",
        "/admin/exports",
    ];
    let more = [
        format!("/admin/payments/{}", order.order_id),
        format!("/admin/payments/{}/refund", order.order_id),
        format!("/admin/payments/{}", declined.order_id),
        format!("/admin/plans/{basic}"),
    ];
    paths.into_iter().map(str::to_owned).chain(more).collect()
}

async fn every_page_can_be_used_by_everybody(world: &World) {
    let paths = pages(world).await;
    let browser = world.browser().await;
    sign_in(&browser).await;
    for path in &paths {
        browser.open(path).await;
        browser.wait_for("#main").await;
        browser.accessible().await;
    }
    browser.open("/admin").await;
    browser.wait_for("[data-charts=\"5\"]").await;
    browser.click("#revenue-title ~ details summary").await;
    browser.accessible().await;
}

async fn the_dashboard_fits_a_phone_in_the_dark(world: &World) {
    let paths = pages(world).await;
    let browser = world.browser().phone().dark().await;
    sign_in(&browser).await;
    for path in &paths {
        browser.open(path).await;
        browser.wait_for("#main").await;
        // An emulated phone widens `innerWidth` to whatever the page needs.
        let wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
        let wide = browser.evaluate(wide).await;
        assert_eq!(wide, false, "{path}: nothing to scroll sideways");
        browser.accessible().await;
    }
    browser.open("/admin").await;
    browser.wait_for("[data-charts=\"5\"]").await;
    browser.picture("dashboard-phone").await;
}

async fn the_dashboard_speaks_english(world: &World) {
    let browser = world.browser().english().await;
    sign_in(&browser).await;
    assert_eq!(browser.text("h1").await, "Overview");
    browser.click(".language").await;
    browser.wait_for_text("개요").await;
    browser.open("/admin/plans").await;
    assert_eq!(browser.text("h1").await, "요금제", "the choice stays");
}

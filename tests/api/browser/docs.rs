//! The documentation in a real browser, under a policy that runs nothing but its own scripts.

use crate::support::client::ADMIN_KEY;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![an_operation_is_tried_out_on_the_documentation_page];

async fn an_operation_is_tried_out_on_the_documentation_page(world: &World) {
    world.basic().await;
    let page = world.stranger().get("/docs").await;
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.contains("script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let browser = world.browser().await;
    browser.open("/docs").await;
    browser.wait_for(".swagger-ui .opblock").await;
    // The key goes with what is tried out.
    browser.click(".swagger-ui .btn.authorize").await;
    browser.type_into(".swagger-ui .auth-container input", ADMIN_KEY).await;
    browser.click(".swagger-ui .auth-btn-wrapper .authorize").await;
    browser.click(".swagger-ui .btn-done").await;
    browser.click("#operations-Payments-listPayments .opblock-summary-control").await;
    browser.click("#operations-Payments-listPayments .try-out__btn").await;
    browser.click("#operations-Payments-listPayments .execute").await;
    browser.wait_for("#operations-Payments-listPayments .live-responses-table .response").await;
    let status = browser.text(".live-responses-table .response .response-col_status").await;
    assert!(status.starts_with("200"), "{status}");
}

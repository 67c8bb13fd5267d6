//! What the browser of the scenarios itself must notice, or every other scenario in it proves nothing.

use super::site;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    the_browser_notices_what_a_page_complains_of,
    the_browser_notices_breaches_of_the_content_security_policy,
    the_browser_notices_what_is_loaded_from_elsewhere,
    the_browser_notices_what_happens_in_tabs_and_frames,
    the_browser_notices_that_a_foreseen_error_never_came,
    the_browser_notices_what_not_everybody_can_use,
    the_api_documentation_opens,
];

async fn the_browser_notices_what_a_page_complains_of(world: &World) {
    let (site, browser) = (site::start().await, world.browser().await);
    browser.open(&format!("{site}/plain")).await;
    assert_eq!(browser.faults().await, [""; 0]);
    for (page, complaint) in [
        ("complains", "a complaint"),
        ("throws", "a mistake"),
        ("rejects", "a broken promise"),
        ("asks", "402 (Payment Required)"),
    ] {
        browser.open(&format!("{site}/{page}")).await;
        // A later page does not make an earlier one's complaint forgotten.
        browser.open(&format!("{site}/plain")).await;
        browser.wait_for_said(complaint).await;
        let faults = browser.faults().await;
        assert!(matches!(&faults[..], [only] if only.contains(complaint)), "{page}: {faults:?}");
        browser.expects_error(complaint);
        assert_eq!(browser.faults().await, [""; 0], "foreseen");
    }
}

async fn the_browser_notices_breaches_of_the_content_security_policy(world: &World) {
    let site = site::start().await;
    for page in ["inline", "reporting/inline"] {
        let browser = world.browser().await;
        browser.open(&format!("{site}/{page}")).await;
        browser.wait_for_said("Content Security Policy").await;
        let faults = browser.faults().await;
        assert!(matches!(&faults[..], [only] if only.contains("script-src 'self'")), "{page}: {faults:?}");
        browser.expects_error("Content Security Policy");
    }
    let browser = world.browser().await;
    browser.open(&format!("{site}/plain")).await;
    // What the harness runs in a page is not the page's doing.
    browser.accessible().await;
    assert_eq!(browser.said().await, "");
}

async fn the_browser_notices_what_is_loaded_from_elsewhere(world: &World) {
    let (site, browser) = (site::start().await, world.browser().await);
    browser.open(&format!("{site}/reporting/far")).await;
    browser.wait_for_said("net::ERR_NAME_NOT_RESOLVED").await;
    browser.expects_error("net::ERR_NAME_NOT_RESOLVED");
    browser.expects_error("Content Security Policy");
}

async fn the_browser_notices_what_happens_in_tabs_and_frames(world: &World) {
    let (site, browser) = (site::start().await, world.browser().await);
    browser.open(&format!("{site}/framed-inline")).await;
    browser.wait_for_said("Content Security Policy").await;
    browser.expects_error("Content Security Policy");
    // Another host is another site, whose frames a browser would rather put into a process of their own.
    let elsewhere = site.replace("127.0.0.1", "localhost");
    browser.evaluate(&format!("document.querySelector('iframe').src = '{elsewhere}/throws'")).await;
    browser.wait_for_said("a mistake").await;
    browser.expects_error("a mistake");
    browser.new_tab().await;
    browser.open(&format!("{site}/complains")).await;
    browser.wait_for_said("a complaint").await;
    browser.tab(0).await;
    browser.expects_error("a complaint");
}

async fn the_browser_notices_that_a_foreseen_error_never_came(world: &World) {
    let (site, browser) = (site::start().await, world.browser().await);
    browser.open(&format!("{site}/plain")).await;
    browser.tolerates_error("one that may come");
    browser.expects_error("a complaint");
    assert_eq!(browser.faults().await, ["expected, but never on the console: a complaint"]);
    browser.open(&format!("{site}/complains")).await;
    browser.wait_for_said("a complaint").await;
}

async fn the_browser_notices_what_not_everybody_can_use(world: &World) {
    let (site, browser) = (site::start().await, world.browser().await);
    browser.open(&format!("{site}/plain")).await;
    browser.accessible().await;
    for page in ["grey", "framed-grey"] {
        browser.open(&format!("{site}/{page}")).await;
        let found: Vec<String> = browser.findings().await.into_iter().map(|finding| finding.id).collect();
        assert_eq!(found, ["label"], "{page}");
    }
    browser.evaluate("document.querySelector('iframe').remove()").await;
    browser.accessible().await;
    browser.evaluate("document.querySelector('h1').style.color = '#ccc'").await;
    let found: Vec<String> = browser.findings().await.into_iter().map(|finding| finding.id).collect();
    assert_eq!(found, ["color-contrast"]);
}

async fn the_api_documentation_opens(world: &World) {
    let browser = world.browser().await;
    // A browser asks for it of its own accord where a page names no icon.
    browser.tolerates_error("/favicon.ico");
    browser.open("/docs").await;
    browser.wait_for(".swagger-ui .opblock").await;
    assert!(browser.text(".info h2").await.contains("gudok"));
    browser.picture("api-documentation").await;
}

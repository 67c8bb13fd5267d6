//! What scenarios do in the browser, and what they ask it to be like, has its effect.

use thirtyfour::prelude::Key;

use super::site;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    the_browser_is_what_it_is_asked_to_be,
    the_browser_does_what_a_person_does,
    the_browser_goes_into_frames_and_out,
    the_browser_has_tabs_and_a_way_back,
    the_browser_goes_offline,
    the_browser_downloads_files,
    the_browser_takes_pictures,
];

async fn the_browser_is_what_it_is_asked_to_be(world: &World) {
    let site = site::start().await;
    let about = "[innerWidth, navigator.language, matchMedia('(prefers-color-scheme: dark)').matches, \
        matchMedia('(pointer: coarse)').matches, Intl.DateTimeFormat().resolvedOptions().timeZone]";
    let desktop = world.browser().await;
    let phone = world.browser().phone().english().dark().await;
    desktop.open(&format!("{site}/plain")).await;
    phone.open(&format!("{site}/plain")).await;
    assert_eq!(desktop.evaluate(about).await, serde_json::json!([1280, "ko-KR", false, false, "Asia/Seoul"]));
    assert_eq!(phone.evaluate(about).await, serde_json::json!([390, "en-US", true, true, "Asia/Seoul"]));
    phone.new_tab().await;
    phone.open(&format!("{site}/plain")).await;
    assert_eq!(phone.evaluate(about).await, serde_json::json!([390, "en-US", true, true, "Asia/Seoul"]));
    for (browser, language) in [(desktop, "ko-KR,"), (phone, "en-US,")] {
        browser.open(&format!("{site}/echo")).await;
        assert!(browser.text("main").await.contains(language), "{}", browser.text("main").await);
    }
}

async fn the_browser_does_what_a_person_does(world: &World) {
    let (site, browser) = (site::start().await, world.browser().await);
    browser.open(&format!("{site}/buttons")).await;
    browser.click("button").await;
    browser.wait_for_text("눌렀습니다").await;
    browser.wait_for("#shown").await;
    browser.wait_until_gone("#gone").await;
    browser.type_into("#name", "구독").await;
    browser.press(Key::Enter).await;
    assert_eq!(browser.text("#log").await, "구독");
    browser.press(Key::Shift + Key::Tab).await;
    assert_eq!(browser.evaluate("document.activeElement.id").await, "bank");
    browser.reload().await;
    browser.click("#early").await;
    browser.wait_for_text("이제 됩니다").await;
    browser.click("option[value='88']").await;
    assert_eq!(browser.text("#log").await, "신한");
    for (yes, answer) in [(true, "예"), (false, "아니요")] {
        browser.click("#ask").await;
        browser.answer_dialog(yes).await;
        browser.wait_for_text(answer).await;
    }
}

async fn the_browser_goes_into_frames_and_out(world: &World) {
    let (site, browser) = (site::start().await, world.browser().await);
    browser.open(&format!("{site}/framed")).await;
    browser.in_frame("iframe").await;
    browser.click("#late").await;
    browser.wait_for_text("눌렀습니다").await;
    browser.accessible().await;
    assert_eq!(browser.text("#log").await, "눌렀습니다", "still inside");
    browser.out_of_frame().await;
    assert_eq!(browser.text("main > p").await, "밖");
}

async fn the_browser_has_tabs_and_a_way_back(world: &World) {
    let (site, browser) = (site::start().await, world.browser().await);
    browser.open(&format!("{site}/plain")).await;
    browser.click("a").await;
    browser.wait_for_url(|url| url.path() == "/buttons").await;
    browser.type_into("#name", "구독").await;
    browser.reload().await;
    assert_eq!(browser.evaluate("document.querySelector('#name').value").await, "앞의 글");
    browser.back().await;
    browser.wait_for_url(|url| url.path() == "/plain").await;
    browser.open(&format!("{site}/buttons")).await;
    browser.click("#open").await;
    browser.tab(1).await;
    browser.wait_for_url(|url| url.path() == "/plain").await;
    browser.tab(0).await;
    assert_eq!(browser.url().await.path(), "/buttons");
}

async fn the_browser_goes_offline(world: &World) {
    let (site, browser) = (site::start().await, world.browser().await);
    browser.open(&format!("{site}/plain")).await;
    let online = "fetch('/plain').then(() => true, () => false)";
    assert_eq!(browser.evaluate(online).await, true);
    browser.expects_error("net::ERR_INTERNET_DISCONNECTED");
    browser.offline(true).await;
    assert_eq!(browser.evaluate(online).await, false);
    browser.offline(false).await;
    assert_eq!(browser.evaluate(online).await, true);
}

async fn the_browser_downloads_files(world: &World) {
    let (site, browser) = (site::start().await, world.browser().await);
    browser.open(&format!("{site}/plain")).await;
    for _ in 0..2 {
        browser.click("#rows").await;
        assert_eq!(browser.downloaded().await, ("rows.csv".to_owned(), "주문,금액\n1,9900\n".to_owned()));
    }
}

async fn the_browser_takes_pictures(world: &World) {
    let (site, browser) = (site::start().await, world.browser().await);
    let phone = world.browser().phone().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (browser, width) in [(browser, 2 * 1280), (phone, 2 * 390)] {
        browser.open(&format!("{site}/buttons")).await;
        let file = folder.path().join("page.png");
        browser.screenshot(&file).await;
        let picture = std::fs::read(file).expect("a picture");
        // The width stands in a PNG file's first chunk.
        let found = u32::from_be_bytes(picture[16..20].try_into().expect("a header"));
        assert_eq!(found, width);
    }
}

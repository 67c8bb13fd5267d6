//! A real browser for scenarios: what a person does at a page, every step of which waits until it can be done.

mod axe;
mod console;
pub(crate) mod driver;
mod options;
mod picture;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use thirtyfour::error::WebDriverErrorInner;
use thirtyfour::prelude::*;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use console::Console;
use driver::Driver;
pub(crate) use options::Opening;

use super::scenario::Backend;
use super::world::World;

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked at meanwhile.
const PAUSE: Duration = Duration::from_millis(25);
/// How many worlds have browsers open at the same time; a browser keeps a core busy.
static TURNS: Semaphore = Semaphore::const_new(2);

/// A browser with a profile of its own. Clones are the same browser.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    driver: WebDriver,
    /// Where paths lead.
    base: String,
    /// The frames that it is in, the outermost first.
    frames: Mutex<Vec<String>>,
    console: Console,
    downloads: TempDir,
    /// Whether it may write pictures: one of the databases is enough.
    paints: bool,
}

impl World {
    /// Opens a browser: on a desktop, Korean, light, unless asked otherwise.
    pub(crate) fn browser(&self) -> Opening<'_> {
        Opening::new(self)
    }

    async fn open_browser(&self, options: options::Options) -> Browser {
        // Turns are a world's, not a browser's: two scenarios that want a second one each would wait for ever.
        let mut browsers = self.browsers.lock().await;
        if browsers.turn.is_none() {
            browsers.turn = Some(TURNS.acquire().await.expect("turns"));
        }
        let (url, file) = tokio::task::spawn_blocking(Driver::shared).await.expect("chromedriver");
        // Only the first of many calls in a process installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let downloads = tempfile::tempdir().expect("a temporary folder");
        let capabilities = options.capabilities(&file, downloads.path());
        let driver = WebDriver::new(url, capabilities).await.expect("a browser");
        let paints = self.backend == Backend::Sqlite;
        let (frames, console) = (Mutex::default(), Console::default());
        let inner = Inner { driver, base: self.base.clone(), frames, console, downloads, paints };
        let browser = Browser { inner: Arc::new(inner) };
        browsers.open.push(browser.clone());
        browser
    }

    /// Ends the browsers of this world; panics with what their consoles complain of.
    pub(crate) async fn end_browsers(&self) {
        let browsers = std::mem::take(&mut *self.browsers.lock().await);
        let mut faults = Vec::new();
        for browser in &browsers.open {
            faults.extend(browser.faults().await);
            browser.quit().await;
        }
        drop(browsers);
        assert!(faults.is_empty(), "on the console:\n{}", faults.join("\n"));
    }

    /// Ends the browsers of a scenario that failed, and tells what they showed.
    pub(crate) async fn abandon_browsers(&self, scenario: &str) {
        let browsers = std::mem::take(&mut *self.browsers.lock().await);
        for (number, browser) in browsers.open.iter().enumerate() {
            browser.tell(&format!("{scenario}::{}-{number}", self.backend.name()).replace("::", "-")).await;
            browser.quit().await;
        }
    }
}

/// The browsers of a world.
#[derive(Debug, Default)]
pub(crate) struct Browsers {
    open: Vec<Browser>,
    turn: Option<tokio::sync::SemaphorePermit<'static>>,
}

impl Browser {
    /// Opens a path of the service, or a whole URL.
    pub(crate) async fn open(&self, url: &str) {
        let url = if url.starts_with('/') { format!("{}{url}", self.inner.base) } else { url.to_owned() };
        self.leave_frames();
        self.driver().goto(&url).await.unwrap_or_else(|error| panic!("{url} does not open: {error}"));
    }

    /// Loads the page again.
    pub(crate) async fn reload(&self) {
        self.leave_frames();
        self.driver().refresh().await.expect("the page loads again");
    }

    /// Goes back to the page before.
    pub(crate) async fn back(&self) {
        self.leave_frames();
        self.driver().back().await.expect("the page before");
    }

    /// Opens another tab of the same browser and turns to it.
    pub(crate) async fn new_tab(&self) {
        let tab = self.driver().new_tab().await.expect("a tab");
        self.leave_frames();
        self.driver().switch_to_window(tab).await.expect("the new tab");
    }

    /// Turns to a tab or a window by its number, in the order in which they were opened; the first is 0.
    pub(crate) async fn tab(&self, number: usize) {
        let found = async || self.driver().windows().await.expect("windows").get(number).cloned();
        let tab = self.until(&format!("tab {number}"), found).await;
        self.leave_frames();
        self.driver().switch_to_window(tab).await.expect("the tab");
    }

    /// Where the current tab is.
    pub(crate) async fn url(&self) -> Url {
        self.driver().current_url().await.expect("a URL")
    }

    /// Clicks the first element that is seen, when it is enabled and nothing lies over it. An `option` is chosen.
    pub(crate) async fn click(&self, css: &str) {
        let clicked = async || {
            let element = self.seen(css).await?;
            let enabled = element.is_enabled().await.or_again()?;
            if enabled { element.click().await.or_again() } else { None }
        };
        self.until(&format!("a click on {css}"), clicked).await;
    }

    /// Puts a text in the place of what a field holds.
    pub(crate) async fn type_into(&self, css: &str, text: &str) {
        let typed = async || {
            let field = self.seen(css).await?;
            field.clear().await.or_again()?;
            field.send_keys(text).await.or_again()
        };
        self.until(&format!("to type into {css}"), typed).await;
    }

    /// Presses keys where the focus is: `Key::Tab`, `Key::Shift + Key::Tab`, `"text"`.
    pub(crate) async fn press(&self, keys: impl Into<TypingData>) {
        let focus = self.driver().active_element().await.expect("a focus");
        focus.send_keys(keys).await.expect("keys");
    }

    /// The text that is seen of the first such element.
    pub(crate) async fn text(&self, css: &str) -> String {
        let text = async || self.driver().find(By::Css(css)).await.or_again()?.text().await.or_again();
        self.until(css, text).await
    }

    /// Waits until such an element is seen.
    pub(crate) async fn wait_for(&self, css: &str) {
        self.until(css, async || self.seen(css).await).await;
    }

    /// Waits until no such element is seen.
    pub(crate) async fn wait_until_gone(&self, css: &str) {
        let gone = async || self.seen(css).await.is_none().then_some(());
        self.until(&format!("{css} to go"), gone).await;
    }

    /// Waits until the page, or the frame, shows this text.
    pub(crate) async fn wait_for_text(&self, text: &str) {
        let shown = async || self.page_text().await.contains(text).then_some(());
        self.until(&format!("the text {text:?}"), shown).await;
    }

    /// Waits until the current tab is where `wanted` says.
    pub(crate) async fn wait_for_url(&self, wanted: impl Fn(&Url) -> bool) {
        let there = async || wanted(&self.url().await).then_some(());
        self.until("another URL", there).await;
    }

    /// Goes into the frame; what follows is about what is in there.
    pub(crate) async fn in_frame(&self, css: &str) {
        let entered = async || self.seen(css).await?.enter_frame().await.or_again();
        self.until(&format!("the frame {css}"), entered).await;
        self.inner.frames.lock().unwrap_or_else(PoisonError::into_inner).push(css.to_owned());
    }

    /// Goes out of all frames.
    pub(crate) async fn out_of_frame(&self) {
        self.leave_frames();
        self.driver().enter_default_frame().await.expect("the page");
    }

    /// Says yes to the browser's own dialog, or no.
    pub(crate) async fn answer_dialog(&self, yes: bool) {
        let answered = async || match yes {
            true => self.driver().accept_alert().await.ok(),
            false => self.driver().dismiss_alert().await.ok(),
        };
        self.until("a dialog", answered).await;
    }

    /// The value of a JavaScript expression, a promise's when it has come.
    pub(crate) async fn evaluate(&self, expression: &str) -> Value {
        let value = self.driver().execute(format!("return ({expression})"), Vec::new()).await;
        value.unwrap_or_else(|error| panic!("{expression}: {error}")).json().clone()
    }

    /// Waits for a file to be downloaded, and takes it: its name and what is in it.
    pub(crate) async fn downloaded(&self) -> (String, String) {
        let taken = async || {
            let files = std::fs::read_dir(self.inner.downloads.path()).expect("the folder for downloads");
            let names = files.map(|file| file.expect("a file").file_name().into_string().expect("a name"));
            // A file has its name only when it is whole.
            let name =
                names.into_iter().find(|name| !name.ends_with(".crdownload") && !name.starts_with('.'))?;
            let file = self.inner.downloads.path().join(&name);
            let text = std::fs::read_to_string(&file).expect("text");
            std::fs::remove_file(file).expect("removed");
            Some((name, text))
        };
        self.until("a download", taken).await
    }

    /// Cuts the current tab off from the network, or joins it again.
    pub(crate) async fn offline(&self, offline: bool) {
        let (cdp, rate) = (self.driver().cdp(), if offline { 0 } else { -1 });
        let conditions = serde_json::json!({
            "offline": offline, "latency": 0, "downloadThroughput": rate, "uploadThroughput": rate,
        });
        cdp.network().enable().await.expect("the network's domain");
        cdp.send_raw("Network.emulateNetworkConditions", conditions).await.expect("other conditions");
    }

    fn driver(&self) -> &WebDriver {
        &self.inner.driver
    }

    fn console(&self) -> &Console {
        &self.inner.console
    }

    fn frames(&self) -> Vec<String> {
        self.inner.frames.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn leave_frames(&self) {
        self.inner.frames.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn enter_again(&self, frames: Vec<String>) {
        self.out_of_frame().await;
        for frame in frames {
            self.in_frame(&frame).await;
        }
    }

    /// The first such element that is seen.
    async fn seen(&self, css: &str) -> Option<WebElement> {
        for element in self.driver().find_all(By::Css(css)).await.or_again()? {
            if element.is_displayed().await.unwrap_or(false) {
                return Some(element);
            }
        }
        None
    }

    /// What is read on the page, or in the frame; nothing between two pages.
    async fn page_text(&self) -> String {
        let text = self.driver().execute("return document.body?.innerText ?? ''", Vec::new()).await;
        text.ok().and_then(|text| text.convert().ok()).unwrap_or_default()
    }

    /// Looks until `found` is something; panics with `wish` and the page when it never is.
    async fn until<T>(&self, wish: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(thing) = found().await {
                return thing;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("never there: {wish}\non {}:\n{}", self.url().await, self.page_text().await)
    }

    async fn quit(&self) {
        self.driver().clone().quit().await.expect("the browser ends");
    }
}

/// What a page that is still changing answers is no failure yet.
trait OrAgain<T> {
    /// Nothing when it may go better the next time.
    fn or_again(self) -> Option<T>;
}

impl<T> OrAgain<T> for WebDriverResult<T> {
    fn or_again(self) -> Option<T> {
        use WebDriverErrorInner as Error;
        let error = match self {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        match error.as_inner() {
            Error::ElementClickIntercepted(_)
            | Error::ElementNotInteractable(_)
            | Error::InvalidElementState(_)
            | Error::NoSuchElement(_)
            | Error::NoSuchFrame(_)
            | Error::StaleElementReference(_) => None,
            _ => panic!("the browser refuses: {error}"),
        }
    }
}

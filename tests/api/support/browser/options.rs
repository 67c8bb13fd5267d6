//! What a browser is like when it is opened: its screen, its language, its colours.

use std::path::Path;
use std::pin::Pin;

use serde_json::{Value, json};
use thirtyfour::Capabilities;

use super::{Browser, driver};
use crate::support::world::World;

/// A browser that is about to be opened; awaiting it opens it.
#[must_use]
pub(crate) struct Opening<'a> {
    world: &'a World,
    options: Options,
}

/// What the buyer has in hand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    phone: bool,
    english: bool,
    dark: bool,
}

impl<'a> Opening<'a> {
    /// A desktop browser in Korean and light colours.
    pub(crate) fn new(world: &'a World) -> Self {
        Self { world, options: Options::default() }
    }

    /// A phone of 390 by 844 points, with a finger for a mouse.
    pub(crate) fn phone(mut self) -> Self {
        self.options.phone = true;
        self
    }

    /// A browser whose owner reads English.
    pub(crate) fn english(mut self) -> Self {
        self.options.english = true;
        self
    }

    /// A browser whose owner prefers dark colours.
    pub(crate) fn dark(mut self) -> Self {
        self.options.dark = true;
        self
    }
}

impl<'a> IntoFuture for Opening<'a> {
    type Output = Browser;
    type IntoFuture = Pin<Box<dyn Future<Output = Browser> + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.world.open_browser(self.options))
    }
}

impl Options {
    /// What chromedriver is asked for.
    pub(super) fn capabilities(self, browser: &Path, downloads: &Path) -> Capabilities {
        let languages = if self.english { "en-US,en" } else { "ko-KR,ko" };
        let mut arguments: Vec<String> = [
            "--headless=new",
            "--window-size=1280,900",
            // A container's shared memory is too small for it.
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--force-color-profile=srgb",
            // What moves is neither read nor photographed.
            "--force-prefers-reduced-motion",
            "--hide-scrollbars",
            "--no-first-run",
            "--no-default-browser-check",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-extensions",
            "--disable-sync",
            // Frames of other sites in a process of their own are deaf to chromedriver: no console, no going offline.
            "--disable-site-isolation-trials",
            "--disable-features=IsolateOrigins,site-per-process",
            // A scenario never leaves the machine: whatever is loaded from elsewhere is an error on the console.
            "--no-proxy-server",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
        ]
        .map(str::to_owned)
        .into();
        arguments.push(format!("--lang={}", if self.english { "en-US" } else { "ko-KR" }));
        if self.dark {
            arguments.push("--force-dark-mode".to_owned());
        }
        if driver::is_root() {
            arguments.push("--no-sandbox".to_owned());
        }
        let mut chrome = json!({
            "args": arguments,
            "binary": browser,
            "prefs": {
                "intl.accept_languages": languages,
                "credentials_enable_service": false,
                "download.default_directory": downloads,
            },
        });
        if self.phone {
            chrome["mobileEmulation"] = json!({
                "deviceMetrics": {"width": 390, "height": 844, "pixelRatio": 3, "touch": true, "mobile": true},
                "userAgent": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                    Chrome/140.0.0.0 Mobile Safari/537.36",
            });
        }
        let all = json!({
            "browserName": "chrome",
            "goog:chromeOptions": chrome,
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"pageLoad": 60_000, "script": 60_000},
            "unhandledPromptBehavior": "ignore",
        });
        let Value::Object(all) = all else { unreachable!("an object") };
        all.into()
    }
}

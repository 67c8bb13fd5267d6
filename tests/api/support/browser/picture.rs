//! Pictures of pages: for the README when they are asked for, and of what a failed scenario saw last.

use std::path::{Path, PathBuf};

use base64::Engine;
use serde_json::json;

use super::Browser;
use crate::support::say;

/// Asks for the README's pictures to be made anew.
const PICTURES: &str = "GUDOK_TEST_PICTURES";
/// Most bytes of a picture.
const MOST: usize = 250_000;
/// Pixels a point, the first that is small enough.
const SCALES: [f64; 3] = [2.0, 1.5, 1.0];

impl Browser {
    /// Writes what the window shows to `docs/images/{name}.png`, if pictures are asked for.
    pub(crate) async fn picture(&self, name: &str) {
        if self.inner.paints && std::env::var_os(PICTURES).is_some_and(|value| value == "1") {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images");
            std::fs::create_dir_all(&folder).expect("the folder for pictures");
            self.screenshot(&folder.join(format!("{name}.png"))).await;
        }
    }

    /// Writes what the window shows to a PNG file, two pixels a point where that is not too big.
    pub(crate) async fn screenshot(&self, file: &Path) {
        self.evaluate("document.fonts.ready.then(() => true)").await;
        for scale in SCALES {
            let clip = format!(
                "({{x: scrollX, y: scrollY, width: innerWidth, height: innerHeight, scale: {scale} / devicePixelRatio}})"
            );
            let clip = self.evaluate(&clip).await;
            let wanted = json!({"format": "png", "clip": clip});
            let taken =
                self.driver().cdp().send_raw("Page.captureScreenshot", wanted).await.expect("a picture");
            let coded = taken["data"].as_str().expect("a picture");
            let picture = base64::engine::general_purpose::STANDARD.decode(coded).expect("a picture");
            if picture.len() <= MOST {
                return std::fs::write(file, picture).expect("the picture is written");
            }
        }
        panic!("{}: even with one pixel a point it has more than {MOST} bytes", file.display());
    }

    /// Says where it is, what it shows and what is on the console: for a scenario that failed.
    pub(super) async fn tell(&self, name: &str) {
        let url = self.driver().current_url().await.map(String::from).unwrap_or_default();
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        // A window with a dialog in it cannot be photographed.
        let seen = match self.driver().screenshot(&file).await {
            Ok(()) => file.display().to_string(),
            Err(error) => error.to_string(),
        };
        let said = self.driver().browser_log().await.unwrap_or_default();
        let said: Vec<String> = said.into_iter().map(|entry| entry.message).collect();
        say(&format!("{name} was on {url}, seen in {seen}; on the console:\n{}", said.join("\n")));
    }
}

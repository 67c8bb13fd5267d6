//! The one chromedriver of a test run: started when the first scenario asks for a browser, ended with the process,
//! however that ends.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tempfile::TempDir;

use super::axe;

/// The browsers that chromedriver knows how to drive, the likeliest first.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
/// What chromedriver says when it listens, before the port's number.
const STARTED: &str = "was started successfully on port ";

/// The driver that all scenarios of this process share.
static SHARED: OnceLock<Mutex<Option<Driver>>> = OnceLock::new();

/// Why no scenario can look through a browser; none when they can.
pub(crate) fn missing() -> Option<String> {
    let found = binaries().map(drop);
    found.and_then(|()| axe::obtainable()).err()
}

/// Whether this process is root, as which Chromium's own sandbox does not work.
pub(super) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A chromedriver that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Driver {
    url: String,
    browser: PathBuf,
    shell: Child,
    _folder: TempDir,
}

impl Driver {
    /// Where the shared driver listens, and the browser that it is to start.
    pub(super) fn shared() -> (String, PathBuf) {
        let shared = SHARED.get_or_init(|| Mutex::new(None));
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let driver = shared.get_or_insert_with(Self::start);
        (driver.url.clone(), driver.browser.clone())
    }

    /// Ends the shared driver, if it was ever needed.
    pub(crate) fn stop_shared() {
        if let Some(shared) = SHARED.get() {
            drop(shared.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }

    fn start() -> Self {
        let (driver, browser) = binaries().expect("a browser is demanded");
        let folder = tempfile::Builder::new().prefix("gudok-browser-").tempdir().expect("a temporary folder");
        let said = folder.path().join("said");
        // The shell waits for its input to close, which happens when this process ends in whatever way. A driver that is
        // told to end leaves its browsers behind; they are in its process group, which is the shell's own. Profiles are
        // in the folder, and a browser that dies may write there a little longer.
        let script = "trap '' TERM; (trap - TERM; TMPDIR=\"$1\" TZ=Asia/Seoul exec \"$0\" --port=0) \
            >\"$1/said\" 2>&1 & cat >/dev/null; kill -TERM 0; wait; \
            for i in 1 2 3 4 5 6 7 8 9; do rm -rf \"$1\" 2>/dev/null && break; sleep 0.2; done";
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).arg(driver).arg(folder.path()).process_group(0);
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let shell = shell.expect("a shell");
        let port = (0..600).find_map(|_| {
            std::thread::sleep(Duration::from_millis(50));
            let said = std::fs::read_to_string(&said).ok()?;
            let (_, after) = said.split_once(STARTED)?;
            after.split_once('.')?.0.parse::<u16>().ok()
        });
        let port = port.unwrap_or_else(|| panic!("chromedriver does not start: {:?}", std::fs::read(&said)));
        Self { url: format!("http://127.0.0.1:{port}"), browser, shell, _folder: folder }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Nothing can be done about a shell that cannot be waited for.
        let _ = self.shell.wait();
    }
}

/// A program on the search path.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// chromedriver, and a browser for it.
fn binaries() -> Result<(PathBuf, PathBuf), String> {
    let driver = on_path("chromedriver").ok_or("no chromedriver is installed")?;
    let apps = ["/Applications/Chromium.app/Contents/MacOS/Chromium"].map(PathBuf::from);
    let chrome = PathBuf::from("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome");
    let installed = apps.into_iter().chain([chrome]).find(|file| file.is_file());
    let browser = BROWSERS.iter().find_map(|name| on_path(name)).or(installed);
    Ok((driver, browser.ok_or("neither Chromium nor Chrome is installed")?))
}

//! Watches all that the service says for secrets that it must not tell.
//!
//! Every line that is logged in this process (down to TRACE), every line and output of every `gudok` that is started, and
//! every answer that a client gets comes through here and is searched, as it comes, for each secret that the tests use:
//! the keys that every service is started with, Toss's, the passwords of databases, the accounts that refunds go to, the
//! tokens of sessions, and whatever looks like a JWT, a Toss key or an API key of ours. The last lines are kept, so that they can be searched
//! for a secret of which the test hears only after it was made. What is found fails the scenario that ends next, which
//! is nearly always the one that told it: scenarios run side by side, and a line does not say whose it is.

use std::collections::VecDeque;
use std::io;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::header::{HeaderMap, SET_COOKIE};
use serde_json::Value;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::client::{ADMIN_KEY, JWT_SECRET, SERVICE_KEY};

/// Everything of ours, and of the libraries what somebody who looks for a fault would switch on. The sandbox and the
/// browsers are not the service.
const LEVELS: &str =
    "debug,gudok=trace,toss_sandbox=off,thirtyfour=off,tungstenite=off,tokio_tungstenite=off";
/// Bytes of lines that are kept.
const KEPT: usize = 4 << 20;
/// Secrets of single scenarios that are remembered, the newest.
const REMEMBERED: usize = 200;
/// The account to which refunds of all scenarios go, as it is typed and as it is sent.
const ACCOUNTS: [&str; 2] = ["110123456789", "110-123-456789"];

static WATCH: LazyLock<Mutex<Watch>> = LazyLock::new(Mutex::default);

/// Where something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a log line or in a command's output.
    Line,
    /// In an answer to a program.
    Answer,
    /// On a page that somebody has typed an account into.
    Page,
}

#[derive(Default)]
struct Watch {
    secrets: VecDeque<(&'static str, String)>,
    lines: VecDeque<String>,
    bytes: usize,
    found: Vec<String>,
}

impl Watch {
    fn keep(&mut self, line: &str) {
        self.bytes += line.len();
        self.lines.push_back(line.to_owned());
        while self.bytes > KEPT {
            let Some(gone) = self.lines.pop_front() else { break };
            self.bytes -= gone.len();
        }
    }

    fn search(&mut self, place: Place, text: &str) {
        let told = constant(place, text).or_else(|| {
            self.secrets.iter().find(|(_, secret)| text.contains(secret.as_str())).map(|(what, _)| *what)
        });
        if let Some(what) = told.filter(|_| self.found.len() < 10) {
            let shown: String = text.chars().take(2_000).collect();
            self.found.push(format!("{what} in {place:?}: {shown}"));
        }
    }
}

fn watch() -> MutexGuard<'static, Watch> {
    WATCH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What kind of secret `text` tells, of those that all scenarios use or that can be told by their looks.
pub(crate) fn constant(place: Place, text: &str) -> Option<&'static str> {
    let known = [("an API key", ADMIN_KEY), ("an API key", SERVICE_KEY), ("the secret of JWTs", JWT_SECRET)];
    if let Some((what, _)) = known.into_iter().find(|(_, secret)| text.contains(secret)) {
        return Some(what);
    }
    if place != Place::Page && ACCOUNTS.iter().any(|account| text.contains(account)) {
        return Some("an account for a refund");
    }
    if text.split(".eyJ").skip(1).any(is_payload) {
        return Some("a JWT");
    }
    if ["test_sk_", "test_gsk_", "live_sk_", "live_gsk_"].iter().any(|prefix| is_followed(text, prefix, 8)) {
        return Some("a secret key of Toss");
    }
    // Eight characters are what people see of a key of ours.
    ["gdk_live_", "gdk_test_"].iter().any(|prefix| is_followed(text, prefix, 12)).then_some("an API key")
}

/// Whether what follows upon `.eyJ`, which is `{"`, is the payload of a JWT, whose text is JSON. Signatures begin so too, by
/// chance, but what follows there is no text.
fn is_payload(rest: &str) -> bool {
    let of_base64 = |c: &char| c.is_ascii_alphanumeric() || "-_".contains(*c);
    let begins: String = "eyJ".chars().chain(rest.chars().take_while(of_base64)).take(16).collect();
    let whole = begins.len() - begins.len() % 4;
    let decoded = URL_SAFE_NO_PAD.decode(&begins[..whole]);
    decoded.is_ok_and(|text| text.iter().all(|byte| (b' '..=b'~').contains(byte)))
}

/// Whether a key's beginning is followed by at least so many of its characters anywhere in `text`.
fn is_followed(text: &str, prefix: &str, least: usize) -> bool {
    let of_a_key = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    text.split(prefix).skip(1).any(|rest| rest.bytes().take_while(of_a_key).count() >= least)
}

/// Everything that is said from now on must not hold `secret`, nor may what was said lately.
pub(crate) fn never(what: &'static str, secret: &str) {
    // Anything shorter would be found by chance.
    if secret.len() < 8 {
        return;
    }
    let mut watch = watch();
    if watch.secrets.iter().any(|(_, known)| known == secret) {
        return;
    }
    if let Some(line) = watch.lines.iter().find(|line| line.contains(secret)).cloned() {
        watch.found.push(format!("{what} in {line}"));
    }
    watch.secrets.push_back((what, secret.to_owned()));
    if watch.secrets.len() > REMEMBERED {
        watch.secrets.pop_front();
    }
}

/// The settings that a service is started with hold secrets.
pub(crate) fn settings<'a>(variables: impl IntoIterator<Item = (&'a String, &'a String)>) {
    for (name, value) in variables {
        match name.as_str() {
            "GUDOK__TOSS__SECRET_KEY" => {
                for key in value.split(',').map(str::trim) {
                    never("a secret key of Toss", key);
                    never("a secret key of Toss", &STANDARD.encode(format!("{key}:")));
                }
            }
            "GUDOK__AUTH__SIGNING_SECRET" => {
                value.split(',').for_each(|one| never("a signing secret", one.trim()))
            }
            "GUDOK__DATABASE__URL" => {
                let password =
                    value.split_once("://").and_then(|(_, rest)| rest.split_once('@')?.0.split_once(':'));
                if let Some((_, password)) = password {
                    never("the password of the database", password);
                }
            }
            _ => {}
        }
    }
}

/// Whose account money goes back to is nobody's business.
pub(crate) fn body(body: &Value) {
    if let Some(number) = body["refundReceiveAccount"]["accountNumber"].as_str() {
        never("an account for a refund", number);
    }
}

/// An answer of the service.
pub(crate) fn answer(headers: &HeaderMap, text: &str) {
    let html = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let place = if html.starts_with("text/html") { Place::Page } else { Place::Answer };
    watch().search(place, text);
    for (name, value) in headers {
        let value = value.to_str().unwrap_or_default();
        if name != SET_COOKIE {
            watch().search(place, value);
            continue;
        }
        // A cookie is for the browser alone.
        let token = value.split(';').next().and_then(|pair| pair.split_once('=')).map(|(_, token)| token);
        if let Some(token) = token.and_then(|token| token.split('.').next()) {
            never("the token of a session", token);
        }
    }
}

/// What a command says once, to whoever typed it, that makes a key: that key, and never again.
pub(crate) fn made_a_key(output: &str) {
    let mut rest = output.to_owned();
    for key in output.split_whitespace().filter(|word| word.starts_with("gdk_")) {
        never("an API key", key);
        rest = rest.replace(key, "…");
    }
    said(&rest);
}

/// A line that a process has said, or all of its output.
pub(crate) fn said(text: &str) {
    let mut watch = watch();
    watch.search(Place::Line, text);
    watch.keep(text);
}

/// Fails the scenario when anything was found.
pub(crate) fn none() {
    let found = std::mem::take(&mut watch().found);
    assert!(found.is_empty(), "told what nobody may know: {}", found.join("\n"));
}

/// Whether this was said lately.
pub(crate) fn was_said(text: &str) -> bool {
    watch().lines.iter().any(|line| line.contains(text))
}

/// Listens to all log lines of this process.
pub(crate) fn listen() {
    let lines = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(LEVELS)).with_ansi(false);
    lines.with_writer(Ear).try_init().expect("nobody else listens");
}

struct Ear;

impl MakeWriter<'_> for Ear {
    type Writer = Ear;

    fn make_writer(&self) -> Ear {
        Ear
    }
}

impl io::Write for Ear {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        said(&String::from_utf8_lossy(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! The pages for people with a browser: the payment window and its script, the bank, receipts, the index.

mod ask;
mod bank;
mod choices;
mod files;
mod home;
mod language;
mod receipt;
mod widgets;
mod window;
mod write;

use poem::{Response, http::HeaderMap};

use crate::{api::call::decode, state::Shared};
use language::Language;

/// A request for a page, as far as pages look at it.
#[derive(Debug)]
pub(crate) struct Visit {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    /// Whether a browser asks: it wants HTML, where others are served JSON or plain text.
    browser: bool,
    language: Language,
}

impl Visit {
    /// Reads what matters of a request.
    pub(crate) fn of(method: &str, path: &str, query: Option<&str>, headers: &HeaderMap) -> Self {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let query = ask::fields(query.unwrap_or_default());
        let wanted = query.iter().find(|(name, _)| name == "lang").map(|(_, value)| value.as_str());
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            browser: header("accept").contains("text/html"),
            language: Language::of(wanted, header("accept-language")),
            query,
        }
    }

    fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Serves a page, or nothing when the path is none of a page.
pub(crate) fn serve(shared: &Shared, visit: &Visit, body: &[u8]) -> Option<Response> {
    let parts: Vec<String> = visit.path.split('/').skip(1).map(decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (visit.method.as_str(), parts.as_slice()) {
        ("GET", [""]) if visit.browser => Some(home::show(shared, visit)),
        ("GET", ["v2", "standard"]) => Some(files::script()),
        ("GET", ["sandbox", "window"]) => Some(window::show(shared, visit)),
        ("GET", ["sandbox", "window", "methods"]) => Some(widgets::methods(shared, visit)),
        ("GET", ["sandbox", "window", "agreement"]) => Some(widgets::agreement(shared, visit)),
        ("GET", ["sandbox", "window", name]) => files::of(name),
        ("POST", ["sandbox", "window", event]) => window::end(shared, visit, event, body),
        ("GET", ["sandbox", "bank"]) => Some(bank::show(shared, visit, None)),
        ("POST", ["sandbox", "bank"]) => Some(bank::deposit(shared, visit, body)),
        ("GET", ["sandbox", "bank", order_id]) => Some(bank::show(shared, visit, Some(order_id))),
        ("GET", ["sandbox", "receipts", key]) if visit.browser => Some(receipt::show(shared, visit, key)),
        _ => None,
    }
}

//! What a browser's console said on all pages that were visited, and which of it a scenario has foreseen.

use std::sync::{Mutex, PoisonError};

use thirtyfour::BrowserLogEntry;

use super::Browser;

/// The level of errors, which violations of a content security policy are told at too.
const ERROR: &str = "SEVERE";

/// The console's errors so far, and what is foreseen.
#[derive(Debug, Default)]
pub(super) struct Console {
    said: Mutex<Vec<BrowserLogEntry>>,
    foreseen: Mutex<Vec<Foreseen>>,
}

/// An error that may come, or has to.
#[derive(Clone, Debug)]
struct Foreseen {
    part: String,
    must: bool,
}

impl Browser {
    /// The console is going to show an error with this part in it: no fault when it does, a fault when it does not.
    pub(crate) fn expects_error(&self, part: &str) {
        self.foresee(part, true);
    }

    /// The console may show errors with this part in them: for what depends on who is faster.
    pub(crate) fn tolerates_error(&self, part: &str) {
        self.foresee(part, false);
    }

    fn foresee(&self, part: &str, must: bool) {
        let mut foreseen = self.console().foreseen.lock().unwrap_or_else(PoisonError::into_inner);
        foreseen.push(Foreseen { part: part.to_owned(), must });
    }

    /// Everything that the console has said so far, one entry a line.
    pub(crate) async fn said(&self) -> String {
        let fresh = self.driver().browser_log().await.expect("the console");
        let mut said = self.console().said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend(fresh);
        said.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Waits until the console has said this.
    pub(crate) async fn wait_for_said(&self, part: &str) {
        let said = async || self.said().await.contains(part).then_some(());
        self.until(&format!("{part:?} on the console"), said).await;
    }

    /// What is wrong with what the console has said so far.
    pub(crate) async fn faults(&self) -> Vec<String> {
        self.said().await;
        let said = self.console().said.lock().unwrap_or_else(PoisonError::into_inner);
        let foreseen = self.console().foreseen.lock().unwrap_or_else(PoisonError::into_inner);
        let errors: Vec<&BrowserLogEntry> = said.iter().filter(|entry| is_error(entry)).collect();
        let is_foreseen =
            |entry: &BrowserLogEntry| foreseen.iter().any(|error| entry.message.contains(&error.part));
        let mut faults: Vec<String> =
            errors.iter().filter(|entry| !is_foreseen(entry)).map(|entry| line(entry)).collect();
        for error in foreseen.iter().filter(|error| error.must) {
            if !errors.iter().any(|entry| entry.message.contains(&error.part)) {
                faults.push(format!("expected, but never on the console: {}", error.part));
            }
        }
        faults
    }
}

/// A policy that only reports is not louder than a hint, and is meant to be heeded all the same.
fn is_error(entry: &BrowserLogEntry) -> bool {
    entry.level == ERROR || entry.message.contains("Content Security Policy")
}

fn line(entry: &BrowserLogEntry) -> String {
    format!("{} {}: {}", entry.level, entry.source.as_deref().unwrap_or("?"), entry.message)
}

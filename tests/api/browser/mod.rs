//! Scenarios in a real browser, and about the browser itself.

mod checkout;
mod dashboard;
mod docs;
mod month;
mod notices;
mod site;
mod steps;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [
        checkout::scenarios(),
        dashboard::scenarios(),
        docs::scenarios(),
        month::scenarios(),
        notices::scenarios(),
        steps::scenarios(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

//! Scenarios about what every request and answer goes through: rates, headers, sites, TLS and HTTP/2.

mod headers;
mod rates;
mod sites;
mod tls;

use crate::support::scenario::Scenario;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [headers::scenarios(), rates::scenarios(), sites::scenarios(), tls::scenarios()]
        .into_iter()
        .flatten()
        .collect()
}

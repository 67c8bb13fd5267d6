//! How often callers may call: by credential once it has been accepted, by address before that. The fields are those of
//! draft-ietf-httpapi-ratelimit-headers-11.
//!
//! A credential is known by its text alone, before anybody looks it up. Only one that has been accepted counts by itself:
//! otherwise a new one with every request would have a new bucket with every request. Refused ones count against their
//! address, and beyond its limit only accepted ones are looked at, so that whoever guesses locks out nobody else there.
//! The dashboard's sign-in has a limit of its own.
//! Each process counts by itself: N replicas allow N times as much, which protects each of them as well as one.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{Request, Response};
use sha2::{Digest, Sha256};

use super::code::Code;
use super::error::ApiError;
use super::origin::origin_or_peer;
use super::paths::Matched;
use super::shares::network;
use crate::app::App;
use crate::config::{self, Rate};
use crate::generations::{Generations, Micros};

mod buckets;
mod class;

use buckets::{Buckets, Standing};
use class::Class;

/// Buckets that are kept, of credentials and addresses together.
const MOST_BUCKETS: usize = 100_000;
/// Accepted credentials that are kept.
const MOST_ACCEPTED: usize = 100_000;
/// How long a credential counts as accepted after it was last used, in microseconds.
const ACCEPTED_FOR: Micros = 24 * 3_600_000_000;
/// The name of the class of refused credentials.
const FAILURES: &str = "failures";

/// The first half of the SHA-256 of a credential's text.
type Fingerprint = [u8; 16];

/// All that is counted; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Rates(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    config: config::Rates,
    buckets: Buckets<(Class, Subject)>,
    failures: Buckets<IpAddr>,
    accepted: Mutex<Generations<Fingerprint, ()>>,
}

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Credential(Fingerprint),
    Address(IpAddr),
}

/// What was said of a request before it was worked on.
#[derive(Debug)]
pub(super) struct Checked {
    /// Why it is not worked on.
    pub(super) refused: Option<ApiError>,
    shown: Option<Shown>,
    credential: Option<Fingerprint>,
    address: Option<IpAddr>,
    /// Whether only an accepted credential can succeed here.
    secured: bool,
}

/// A rate as the answer tells it.
#[derive(Debug)]
struct Shown {
    name: &'static str,
    rate: Rate,
    standing: Standing,
}

impl Rates {
    /// Nothing counted yet.
    pub(super) fn new(config: config::Rates) -> Self {
        Self(Arc::new(Parts {
            config,
            buckets: Buckets::new(MOST_BUCKETS),
            failures: Buckets::new(MOST_BUCKETS),
            accepted: Mutex::new(Generations::new(MOST_ACCEPTED, ACCEPTED_FOR)),
        }))
    }

    /// Counts a request, and tells whether it is one too many.
    pub(super) fn check(&self, app: &App, matched: &Matched<'_>, request: &Request) -> Checked {
        let method = request.method();
        let token = bearer(request);
        let credential = token.map(fingerprint);
        let address = origin_or_peer(request, &app.config.server.trusted_proxies).map(network);
        let secured = &*matched.route == "/metrics" || matched.secured(method);
        let mut checked = Checked { refused: None, shown: None, credential, address, secured };
        let now = app.clock.now().timestamp_micros();
        let accepted = credential.filter(|credential| self.is_accepted(credential));
        if credential.is_some() && accepted.is_none() && self.guessed_too_often(&mut checked, now) {
            app.metrics.http.rate_limited(FAILURES, "address");
            return checked;
        }
        let Some(class) = Class::of(method, &matched.route) else { return checked };
        let rates = &self.0.config;
        let (rate, by, subject) = match (accepted, token, address) {
            (Some(accepted), Some(token), _) if is_jwt(token) => {
                (class.rate(&rates.user), "user", Subject::Credential(accepted))
            }
            (Some(accepted), ..) => (class.rate(&rates.key), "key", Subject::Credential(accepted)),
            (None, _, Some(address)) => {
                (class.rate_of_address(&rates.address), "address", Subject::Address(address))
            }
            (None, _, None) => return checked,
        };
        if rate.per_minute == 0 {
            return checked;
        }
        let standing = self.0.buckets.take((class, subject), rate, now);
        if let Some(next_in) = standing.next_in {
            app.metrics.http.rate_limited(class.name(), by);
            checked.refused = Some(ApiError::retry_after(Code::RateLimited, seconds(next_in)));
        }
        checked.shown = Some(Shown { name: class.name(), rate, standing });
        checked
    }

    /// Learns from the answer whether the credential is good, and tells the caller how it stands.
    pub(super) fn answered(&self, app: &App, checked: &Checked, response: &mut Response) {
        if checked.refused.is_none() {
            self.learn(checked, response.status(), app.clock.now().timestamp_micros());
        }
        if let Some(shown) = &checked.shown {
            shown.tell(response);
        }
    }

    fn learn(&self, checked: &Checked, status: StatusCode, now: Micros) {
        let Some(credential) = checked.credential else { return };
        let refused = status == StatusCode::UNAUTHORIZED;
        let rate = self.0.config.address.failures;
        if let Some(address) = checked.address.filter(|_| refused && rate.per_minute > 0) {
            self.0.failures.take(address, rate, now);
        }
        let mut accepted = self.0.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        if refused {
            accepted.remove(&credential);
        } else if checked.secured && proves(status) {
            accepted.put(credential, (), now);
        }
    }

    fn is_accepted(&self, credential: &Fingerprint) -> bool {
        self.0.accepted.lock().unwrap_or_else(PoisonError::into_inner).get(credential).is_some()
    }

    fn guessed_too_often(&self, checked: &mut Checked, now: Micros) -> bool {
        let rate = self.0.config.address.failures;
        let Some(address) = checked.address.filter(|_| rate.per_minute > 0) else { return false };
        let standing = self.0.failures.look(address, rate, now);
        let Some(next_in) = standing.next_in else { return false };
        checked.refused = Some(ApiError::retry_after(Code::RateLimited, seconds(next_in)));
        checked.shown = Some(Shown { name: FAILURES, rate, standing });
        true
    }
}

impl Shown {
    fn tell(&self, response: &mut Response) {
        let Self { name, rate, standing } = self;
        let policy = format!("\"{name}\";q={};w=60", rate.per_minute);
        let limit = format!("\"{name}\";r={};t={}", standing.left, seconds(standing.full_in));
        for (field, value) in [("ratelimit-policy", policy), ("ratelimit", limit)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(field), value);
            }
        }
    }
}

/// Whether an operation that needs a credential answers so only after it has looked at it.
fn proves(status: StatusCode) -> bool {
    status.is_success()
        || [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND, StatusCode::CONFLICT].contains(&status)
}

/// Whole seconds, rounded up, at least one.
fn seconds(micros: Micros) -> u32 {
    u32::try_from(micros.max(1).unsigned_abs().div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

/// The credential's text.
fn bearer(request: &Request) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether an accepted credential has the form of a user's JWT; keys have none of theirs.
fn is_jwt(token: &str) -> bool {
    token.starts_with("ey") && token.bytes().filter(|byte| *byte == b'.').count() == 2
}

fn fingerprint(token: &str) -> Fingerprint {
    let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    std::array::from_fn(|at| digest[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!([0, 1, 1_000_000, 1_000_001].map(seconds), [1, 1, 1, 2]);
    }

    #[test]
    fn a_user_is_told_from_a_key_by_form() {
        assert!(is_jwt("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.x"));
        for key in ["gdk_live_0123", "a.b.c", "ey.x"] {
            assert!(!is_jwt(key), "{key}");
        }
    }
}

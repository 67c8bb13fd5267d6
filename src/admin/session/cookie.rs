//! The cookie that a signed-in browser carries: a random token, until when it is good, and our signature.

use std::fmt;

use chrono::{DateTime, Utc};
use poem::Request;
use poem::http::HeaderValue;
use poem::http::header::COOKIE;
use sha2::{Digest, Sha256};

use crate::app::App;

/// What signatures of sessions are for.
const PURPOSE: &str = "admin-session";

/// A session as its browser holds it.
#[derive(Clone)]
pub(in crate::admin) struct Cookie {
    /// 256 random bits, which only the browser keeps.
    token: String,
    expires_at: DateTime<Utc>,
}

/// The token lets in whoever has it.
impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookie").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl Cookie {
    /// A new one.
    pub(super) fn new(expires_at: DateTime<Utc>) -> Self {
        use base64::Engine;
        let token: [u8; 32] = rand::random();
        Self { token: base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(token), expires_at }
    }

    /// The one that `request` carries, if we signed it and it has not expired.
    pub(in crate::admin) fn of(app: &App, request: &Request, now: DateTime<Utc>) -> Option<Self> {
        let name = name(app);
        let cookies = request.headers().get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).map(str::trim);
        let value = pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        let mut parts = value.splitn(3, '.');
        let (token, expiry, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if !app.signer.verify(PURPOSE, &[token, expiry], signature) {
            return None;
        }
        let expires_at = DateTime::from_timestamp(expiry.parse().ok()?, 0)?;
        (now < expires_at).then(|| Self { token: token.to_owned(), expires_at })
    }

    /// What the table knows it by: who reads the table cannot make the cookie.
    pub(in crate::admin) fn id(&self) -> String {
        Sha256::digest(self.token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The header that gives it to the browser.
    pub(super) fn set(&self, app: &App, now: DateTime<Utc>) -> Option<HeaderValue> {
        let expiry = self.expires_at.timestamp().to_string();
        let signature = app.signer.sign(PURPOSE, &[&self.token, &expiry]);
        let left = (self.expires_at - now).num_seconds().max(1);
        header(app, &format!("{}.{expiry}.{signature}", self.token), left)
    }
}

/// The header that takes the cookie from the browser.
pub(super) fn unset(app: &App) -> Option<HeaderValue> {
    header(app, "", 0)
}

fn header(app: &App, value: &str, max_age: i64) -> Option<HeaderValue> {
    let secure = if is_https(app) { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}", name(app));
    HeaderValue::from_str(&text).ok()
}

/// Browsers take a name that begins with `__Host-` only over TLS and from this very host.
fn name(app: &App) -> &'static str {
    if is_https(app) { "__Host-gudok_session" } else { "gudok_session" }
}

fn is_https(app: &App) -> bool {
    app.public_url().starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_not_shown() {
        let cookie = Cookie::new(DateTime::UNIX_EPOCH);
        assert!(!format!("{cookie:?}").contains(&cookie.token) && cookie.token.len() == 43);
    }
}

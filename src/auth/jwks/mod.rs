//! The public keys of users' JWTs, read from where the SaaS publishes them, and kept while it cannot be reached.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration as Span;

use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey};
use url::Url;

use crate::app::App;
use crate::config::Auth;

mod fetch;
mod keys;

use keys::{Keys, Pick};

/// How often they are read at most, whatever strangers put into tokens.
const AT_MOST_EVERY: Duration = Duration::seconds(30);
/// How often they are read anyway.
const REFRESHED_EVERY: Span = Span::from_secs(600);
/// How soon they are read again after they could not be.
const TRIED_AGAIN_AFTER: Span = Span::from_secs(60);

/// The keys, and the way to them.
pub struct Jwks {
    http: reqwest::Client,
    url: Url,
    kept: Mutex<Kept>,
    /// One reading at a time; who needs its outcome waits here.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    keys: Arc<Keys>,
    tried_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jwks")
    }
}

impl Jwks {
    /// The keys at `auth.jwks_url`, where that is set; nothing is read yet.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub(crate) fn new(auth: &Auth) -> Result<Option<Self>, reqwest::Error> {
        let Some(url) = auth.jwks_url.clone() else { return Ok(None) };
        let (kept, reading) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Some(Self { http: fetch::client()?, url, kept, reading }))
    }

    /// Reads the keys from time to time until the process is asked to stop.
    pub(crate) fn keep_fresh(app: &App) {
        if app.jwks.is_none() {
            return;
        }
        let keeper = app.clone();
        app.tasks.spawn(async move {
            loop {
                let read = keeper.stopping.run_until_cancelled(refresh(&keeper)).await;
                let Some(read) = read else { return };
                let pause = tokio::time::sleep(if read { REFRESHED_EVERY } else { TRIED_AGAIN_AFTER });
                if keeper.stopping.run_until_cancelled(pause).await.is_none() {
                    return;
                }
            }
        });
    }

    /// The key that a token names, if it serves this algorithm. One that is not known is looked for where the keys are
    /// published, within bounds.
    pub(super) async fn key(app: &App, kid: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        let jwks = app.jwks.as_ref()?;
        match jwks.keys().pick(kid, algorithm) {
            Pick::Found(key) => return Some(key.clone()),
            Pick::Unfit => return None,
            Pick::Unknown => {}
        }
        let reader = app.clone();
        // A task of its own: a caller that hangs up must not cut the reading off, which is not repeated so soon.
        if let Err(broken) = app.tasks.spawn(async move { refresh(&reader).await }).await {
            tracing::error!(error = %broken, "the reading of public keys broke off");
        }
        match jwks.keys().pick(kid, algorithm) {
            Pick::Found(key) => Some(key.clone()),
            Pick::Unfit | Pick::Unknown => None,
        }
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.kept.lock().unwrap_or_else(PoisonError::into_inner).keys)
    }

    /// Leave to read the keys now; nobody else gets it for a while.
    fn may_read(&self, now: DateTime<Utc>) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back must not stop the reading until it has caught up.
        let lately = kept.tried_at.is_some_and(|at| at <= now && now - at < AT_MOST_EVERY);
        if !lately {
            kept.tried_at = Some(now);
        }
        !lately
    }
}

/// Reads the keys unless that was tried a moment ago. Returns whether the keys that are kept were read lately.
async fn refresh(app: &App) -> bool {
    let Some(jwks) = &app.jwks else { return true };
    // Whoever comes while they are read has what it wants when this is free again.
    let _alone = jwks.reading.lock().await;
    if !jwks.may_read(app.clock.now()) {
        return !jwks.keys().is_empty();
    }
    let read = fetch::read(&jwks.http, &jwks.url).await;
    match read.and_then(|body| Keys::parse(&body)) {
        Ok(keys) => {
            tracing::debug!(keys = keys.len(), "public keys of JWTs were read");
            jwks.kept.lock().unwrap_or_else(PoisonError::into_inner).keys = Arc::new(keys);
            true
        }
        Err(reason) => {
            let kept = jwks.keys().len();
            tracing::warn!(
                reason,
                kept,
                "auth.jwks_url cannot be read; the keys that are kept go on being used"
            );
            false
        }
    }
}

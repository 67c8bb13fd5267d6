//! The secret keys that Toss may know, and which of them it knows now.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::client::ClientError;
use crate::config::Secrets;

/// Keys as headers, in the order in which they are tried; cheap to clone.
#[derive(Clone)]
pub(super) struct Keys {
    headers: Arc<[HeaderValue]>,
    /// Which of them Toss took last.
    current: Arc<AtomicUsize>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("count", &self.headers.len()).finish_non_exhaustive()
    }
}

impl Keys {
    /// The keys of the settings; there may be none.
    ///
    /// # Errors
    /// [`ClientError::Key`] when one cannot be sent in a header.
    pub(super) fn new(secrets: Option<&Secrets>) -> Result<Self, ClientError> {
        let headers: Result<Vec<_>, _> = secrets.into_iter().flat_map(Secrets::iter).map(basic).collect();
        Ok(Self { headers: headers?.into(), current: Arc::default() })
    }

    /// Each key once, beginning with the one that Toss took last; a single none where there is no key.
    pub(super) fn in_turn(&self) -> impl Iterator<Item = Option<(usize, HeaderValue)>> {
        let (count, first) = (self.headers.len(), self.current.load(Ordering::Relaxed));
        let keys = (0..count).map(move |step| (first + step) % count);
        let keys: Vec<_> = keys.map(|at| self.headers.get(at).map(|header| (at, header.clone()))).collect();
        if keys.is_empty() { vec![None].into_iter() } else { keys.into_iter() }
    }

    /// Remembers that Toss takes the key at `index`.
    pub(super) fn works(&self, index: usize) {
        if self.current.swap(index, Ordering::Relaxed) != index {
            tracing::warn!(key = index + 1, "Toss takes another of our keys from now on");
        }
    }
}

/// Basic authentication as Toss wants it: the key, a colon, no password.
fn basic(key: &SecretString) -> Result<HeaderValue, ClientError> {
    let pair = Zeroizing::new(format!("{}:", key.expose_secret()));
    let basic = Zeroizing::new(format!("Basic {}", *Zeroizing::new(STANDARD.encode(pair.as_bytes()))));
    let mut value = HeaderValue::from_str(&basic).map_err(|_| ClientError::Key)?;
    // Neither shown nor kept in a table of HTTP/2.
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Keys {
        let secrets: Secrets = serde_json::from_value(text.into()).expect("secrets");
        Keys::new(Some(&secrets)).expect("headers")
    }

    fn order(keys: &Keys) -> Vec<usize> {
        keys.in_turn().map(|key| key.expect("a key").0).collect()
    }

    #[test]
    fn the_key_that_worked_is_tried_first() {
        let keys = keys("test_sk_new, test_sk_old");
        assert_eq!(order(&keys), [0, 1]);
        keys.works(1);
        assert_eq!(order(&keys.clone()), [1, 0]);
        keys.works(0);
        assert_eq!(order(&keys), [0, 1]);
        let none = Keys::new(None).expect("no headers");
        assert!(none.in_turn().eq([None]));
    }

    #[test]
    fn a_key_is_sent_with_a_colon_and_never_shown() {
        let keys = keys("test_sk_hidden");
        let (_, header) = keys.in_turn().next().flatten().expect("a key");
        assert_eq!(header.to_str().ok(), Some("Basic dGVzdF9za19oaWRkZW46"));
        let shown = format!("{keys:?} {header:?}");
        assert!(!shown.contains("hidden") && !shown.contains("dGVzdF9"), "{shown}");
    }
}

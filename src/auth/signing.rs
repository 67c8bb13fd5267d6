//! Signs what a browser carries for us: links to an order's page, and sessions.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;

use crate::config::Config;

/// Makes and checks signatures; any replica with the same settings makes the same.
pub struct Signer([u8; 32]);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// The signer of these settings: by `auth.signing_secret`, else by a key derived from Toss's secret key. Without
    /// either, which no serving process is, by a key that ends with the process.
    pub fn new(config: &Config) -> Self {
        let secret = config.auth.signing_secret.as_ref().or(config.toss.secret_key.as_ref());
        match secret {
            Some(secret) => Self(tag(secret.expose_secret().as_bytes(), &[b"gudok signing v1"])),
            None => Self(rand::random()),
        }
    }

    /// The signature of `parts` for one `purpose`: 43 characters of `A-Z a-z 0-9 - _`.
    pub fn sign(&self, purpose: &str, parts: &[&str]) -> String {
        URL_SAFE_NO_PAD.encode(self.tag(purpose, parts))
    }

    /// Whether `signature` is that of `parts` for `purpose`; takes as long for a wrong one as for the right one.
    pub fn verify(&self, purpose: &str, parts: &[&str], signature: &str) -> bool {
        let Ok(given) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        subtle::ConstantTimeEq::ct_eq(given.as_slice(), self.tag(purpose, parts).as_slice()).into()
    }

    fn tag(&self, purpose: &str, parts: &[&str]) -> [u8; 32] {
        let parts: Vec<&[u8]> = [purpose].iter().chain(parts).map(|part| part.as_bytes()).collect();
        tag(&self.0, &parts)
    }
}

/// HMAC-SHA256 of the parts, each with its length before it, so that no two lists give the same bytes.
fn tag(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_purpose_and_parts_alone() {
        let signer = Signer([7; 32]);
        let signature = signer.sign("link", &["order-1", "99"]);
        assert!(signer.verify("link", &["order-1", "99"], &signature));
        for (purpose, parts) in
            [("session", ["order-1", "99"]), ("link", ["order-19", "9"]), ("link", ["order-2", "99"])]
        {
            assert!(!signer.verify(purpose, &parts, &signature), "{purpose} {parts:?}");
        }
        assert!(!Signer([8; 32]).verify("link", &["order-1", "99"], &signature));
        for wrong in ["", "x", &signature[1..], "\u{1f600}"] {
            assert!(!signer.verify("link", &["order-1", "99"], wrong), "{wrong}");
        }
    }
}

//! Signs what a browser carries for us: links to an order's page, and sessions.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::config::Config;

/// Makes and checks signatures; any replica with the same settings makes the same. What was signed under an older secret
/// holds for as long as the settings name it, so that no link and no session ends with a rotation.
pub struct Signer {
    newest: Key,
    older: Vec<Key>,
}

/// Wiped from memory when it is dropped.
type Key = Zeroizing<[u8; 32]>;

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// The signer of these settings: by `auth.signing_secret`, else by keys derived from Toss's secret keys. Without
    /// either, which no serving process is, by a key that ends with the process.
    pub fn new(config: &Config) -> Self {
        let secrets = config.auth.signing_secret.as_ref().or(config.toss.secret_key.as_ref());
        let derived = |secret: &SecretString| {
            Zeroizing::new(tag(secret.expose_secret().as_bytes(), &[b"gudok signing v1"]))
        };
        match secrets {
            Some(secrets) => Self {
                newest: derived(secrets.newest()),
                older: secrets.iter().skip(1).map(derived).collect(),
            },
            None => Self { newest: Zeroizing::new(rand::random()), older: Vec::new() },
        }
    }

    /// The signature of `parts` for one `purpose`: 43 characters of `A-Z a-z 0-9 - _`.
    pub fn sign(&self, purpose: &str, parts: &[&str]) -> String {
        URL_SAFE_NO_PAD.encode(signature(&self.newest, purpose, parts))
    }

    /// Whether `given` is the signature of `parts` for `purpose` under any of the secrets; takes as long for a wrong one as
    /// for the right one.
    pub fn verify(&self, purpose: &str, parts: &[&str], given: &str) -> bool {
        let Ok(given) = URL_SAFE_NO_PAD.decode(given) else { return false };
        let keys = std::iter::once(&self.newest).chain(&self.older);
        let same = keys.map(|key| given.as_slice().ct_eq(signature(key, purpose, parts).as_slice()));
        same.fold(Choice::from(0), std::ops::BitOr::bitor).into()
    }
}

fn signature(key: &Key, purpose: &str, parts: &[&str]) -> [u8; 32] {
    let parts: Vec<&[u8]> = [purpose].iter().chain(parts).map(|part| part.as_bytes()).collect();
    tag(key.as_slice(), &parts)
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

    fn signer(secrets: &str) -> Signer {
        let variables = [("GUDOK__TOSS__SECRET_KEY".to_owned(), secrets.to_owned())].into();
        Signer::new(&Config::from_variables(variables).expect("valid"))
    }

    #[test]
    fn a_signature_outlives_the_rotation_of_its_secret() {
        let before = signer("test_sk_old").sign("link", &["order-1"]);
        let between = signer("test_sk_new, test_sk_old");
        assert!(between.verify("link", &["order-1"], &before));
        let after = between.sign("link", &["order-1"]);
        assert!(signer("test_sk_new").verify("link", &["order-1"], &after));
        assert!(!signer("test_sk_new").verify("link", &["order-1"], &before));
        assert!(!signer("test_sk_old").verify("link", &["order-1"], &after));
    }

    #[test]
    fn a_signature_holds_for_its_purpose_and_parts_alone() {
        let (signer, another) = (signer("test_sk_7"), signer("test_sk_8"));
        let signature = signer.sign("link", &["order-1", "99"]);
        assert!(signer.verify("link", &["order-1", "99"], &signature));
        for (purpose, parts) in
            [("session", ["order-1", "99"]), ("link", ["order-19", "9"]), ("link", ["order-2", "99"])]
        {
            assert!(!signer.verify(purpose, &parts, &signature), "{purpose} {parts:?}");
        }
        assert!(!another.verify("link", &["order-1", "99"], &signature));
        for wrong in ["", "x", &signature[1..], "\u{1f600}"] {
            assert!(!signer.verify("link", &["order-1", "99"], wrong), "{wrong}");
        }
    }
}

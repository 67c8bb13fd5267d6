//! What an API key looks like: `gdk_live_` or `gdk_test_`, 43 random letters and digits, and six that check the others,
//! so that secret scanners know one when they see it and a mistyped one is refused without a look at the database.

use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// How keys begin, for a Toss key that moves money and for one that does not.
const KINDS: [&str; 2] = ["gdk_live_", "gdk_test_"];
/// Random characters: 62 to this power is more than 2 to the 256th.
const RANDOM: usize = 43;
/// Characters of the checksum: 62 to this power is more than 2 to the 32nd.
const CHECK: usize = 6;
/// Random characters that people see.
const SHOWN: usize = 8;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A fresh key, drawn from the system's secure generator.
pub(super) fn generate(live: bool) -> SecretString {
    let [of_live, of_test] = KINDS;
    let kind = if live { of_live } else { of_test };
    let random = rand::rng().sample_iter(rand::distr::Alphanumeric).take(RANDOM).map(char::from);
    let text: String = kind.chars().chain(random).collect();
    let check = checksum(&text);
    (text + &check).into()
}

/// Whether `text` has the shape and the checksum of a key. That says nothing about whether it was ever made.
pub fn looks_like_a_key(text: &str) -> bool {
    let Some(rest) = KINDS.iter().find_map(|kind| text.strip_prefix(kind)) else { return false };
    let shaped = rest.len() == RANDOM + CHECK && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    // The checksum is no secret, so that comparing it may take whatever time it takes.
    shaped && text.split_at_checked(text.len() - CHECK).is_some_and(|(key, check)| checksum(key) == check)
}

/// What people see of a key.
pub(super) fn prefix(key: &SecretString) -> String {
    let [kind, _] = KINDS;
    key.expose_secret().chars().take(kind.len() + SHOWN).collect()
}

/// What is kept of a key: 256 random bits need no salt and no slow digest.
pub(super) fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// A digest as the table holds it.
pub(super) fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The CRC-32 of `text` in base 62.
fn checksum(text: &str) -> String {
    let mut rest = crc32(text.as_bytes());
    let mut digits = [b'0'; CHECK];
    for digit in digits.iter_mut().rev() {
        *digit = usize::try_from(rest % 62).ok().and_then(|at| DIGITS.get(at)).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits.map(char::from).iter().collect()
}

/// CRC-32 as in zip files (ISO-HDLC).
fn crc32(bytes: &[u8]) -> u32 {
    let folded = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    });
    !folded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_checksum_is_the_one_that_everybody_computes() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
        assert_eq!(checksum("123456789").len(), CHECK);
    }

    #[test]
    fn a_fresh_key_has_the_shape_and_its_kind() {
        for (live, kind) in [(true, "gdk_live_"), (false, "gdk_test_")] {
            let key = generate(live);
            let text = key.expose_secret();
            assert!(text.starts_with(kind) && text.len() == 58 && looks_like_a_key(text), "{text}");
            assert_eq!(prefix(&key), text[..17]);
            assert_ne!(generate(live).expose_secret(), text);
        }
    }

    #[test]
    fn a_mistyped_key_is_no_key() {
        let key = generate(true);
        let text = key.expose_secret();
        for at in 0..text.len() {
            let other = if &text[at..=at] == "x" { "y" } else { "x" };
            let mistyped = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert!(!looks_like_a_key(&mistyped), "{mistyped}");
        }
        for wrong in ["", "gdk_live_", "gdk_live_é", &text[1..], &format!("{text}0")] {
            assert!(!looks_like_a_key(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_of_keys_panic(text in ".*", tail in ".{0,60}") {
            let _ = looks_like_a_key(&text);
            let _ = looks_like_a_key(&format!("gdk_test_{tail}"));
        }
    }
}

//! Who calls: the secret key in the `Authorization` header.

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::STANDARD_NO_PAD};

use crate::refusal::Refusal;

/// Checks `Basic base64("{secretKey}:")`; padding may be missing, as Toss accepts it.
pub(crate) fn check(header: Option<&str>, secret_key: &str) -> Result<(), Refusal> {
    let key = header.and_then(read).ok_or_else(|| Refusal::new("INCORRECT_BASIC_AUTH_FORMAT"))?;
    if key == secret_key {
        return Ok(());
    }
    // A client key is of the right form and of the wrong kind, whosever it is.
    let client = ["test_ck_", "test_gck_", "live_ck_", "live_gck_"].iter().any(|kind| key.starts_with(kind));
    Err(Refusal::new(if client { "INVALID_API_KEY" } else { "UNAUTHORIZED_KEY" }))
}

/// The key in the header; nothing when the form is wrong.
fn read(header: &str) -> Option<String> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let encoded = encoded.trim();
    let bytes = STANDARD.decode(encoded).or_else(|_| STANDARD_NO_PAD.decode(encoded)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    // Behind the colon stands an empty password.
    text.strip_suffix(':').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_has_its_code() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let code = |header: Option<&str>| match check(header, "test_sk_a") {
            Ok(()) => "ok".to_owned(),
            Err(refusal) => format!("{} {}", refusal.status(), refusal.code()),
        };
        assert_eq!(code(Some(&basic("test_sk_a:"))), "ok");
        assert_eq!(code(Some(basic("test_sk_a:").trim_end_matches('='))), "ok");
        assert_eq!(code(Some(&basic("test_sk_b:"))), "401 UNAUTHORIZED_KEY");
        assert_eq!(code(Some(&basic("\u{feff}test_sk_a:"))), "401 UNAUTHORIZED_KEY");
        assert_eq!(code(Some(&basic("test_ck_a:"))), "400 INVALID_API_KEY");
        for bad in [basic("test_sk_a"), "Bearer test_sk_a".into(), "Basic %%%".into(), "Basic".into()] {
            assert_eq!(code(Some(&bad)), "403 INCORRECT_BASIC_AUTH_FORMAT", "{bad}");
        }
        assert_eq!(code(None), "403 INCORRECT_BASIC_AUTH_FORMAT");
    }
}

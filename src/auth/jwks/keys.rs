//! What stands in a JWK set: only keys that verify RS256, ES256 or `EdDSA`, each for exactly one of them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Keys of a set at most.
const MOST: usize = 32;
/// Bytes of an RSA modulus: shorter ones can be broken, longer ones cost time.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// The usable keys of a set.
#[derive(Default)]
pub(super) struct Keys(Vec<Key>);

struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    decoding: DecodingKey,
}

/// The key for a token.
pub(super) enum Pick<'a> {
    /// This one.
    Found(&'a DecodingKey),
    /// There is one by that name, but not for that algorithm, or it cannot be told which one is meant.
    Unfit,
    /// There is none by that name.
    Unknown,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl Keys {
    /// Reads a JWK set. Keys of other kinds are passed over, as RFC 7517 wants it.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        let set: Set = serde_json::from_slice(body).map_err(|_| "it is no JWK set".to_owned())?;
        if set.keys.len() > MOST {
            return Err(format!("it has more than {MOST} keys"));
        }
        Ok(Self(set.keys.into_iter().filter_map(Key::parse).collect()))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that a token with this header wants. A token may leave the name out where there is only one key.
    pub(super) fn pick(&self, kid: Option<&str>, algorithm: Algorithm) -> Pick<'_> {
        let named: Vec<&Key> = match kid {
            Some(kid) => self.0.iter().filter(|key| key.kid.as_deref() == Some(kid)).collect(),
            None => self.0.iter().collect(),
        };
        let is_alone = kid.is_some() || named.len() == 1;
        let mut fit = named.iter().filter(|key| key.algorithm == algorithm && is_alone);
        match (named.is_empty(), fit.next(), fit.next()) {
            (true, ..) => Pick::Unknown,
            (false, Some(key), None) => Pick::Found(&key.decoding),
            (false, ..) => Pick::Unfit,
        }
    }
}

impl Key {
    fn parse(value: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let common = &jwk.common;
        if common.public_key_use.as_ref().is_some_and(|r#use| *r#use != PublicKeyUse::Signature) {
            return None;
        }
        if common.key_operations.as_ref().is_some_and(|uses| !uses.contains(&KeyOperations::Verify)) {
            return None;
        }
        let algorithm = algorithm(&jwk.algorithm)?;
        if common.key_algorithm.is_some_and(|named| named != KeyAlgorithm::from(algorithm)) {
            return None;
        }
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { kid: jwk.common.key_id, algorithm, decoding })
    }
}

/// The one algorithm that a key of this kind verifies.
fn algorithm(parameters: &AlgorithmParameters) -> Option<Algorithm> {
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_or(0, |bytes| bytes.len());
    match parameters {
        AlgorithmParameters::RSA(rsa) if RSA_BYTES.contains(&bytes(&rsa.n)) => Some(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(point)
            if point.curve == EllipticCurve::P256 && bytes(&point.x) == 32 && bytes(&point.y) == 32 =>
        {
            Some(Algorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(pair)
            if pair.curve == EllipticCurve::Ed25519 && bytes(&pair.x) == 32 =>
        {
            Some(Algorithm::EdDSA)
        }
        // A secret has no business in a published set.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn ed(kid: &str) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode([7; 32]), "kid": kid})
    }

    fn rsa(bytes: usize) -> Value {
        json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(vec![255; bytes]), "e": "AQAB", "kid": "rsa"})
    }

    fn with(mut key: Value, member: &str, value: Value) -> Value {
        key[member] = value;
        key
    }

    fn parse(keys: &[Value]) -> Result<Keys, String> {
        Keys::parse(json!({"keys": keys}).to_string().as_bytes())
    }

    fn found(keys: &Keys, kid: Option<&str>, algorithm: Algorithm) -> bool {
        matches!(keys.pick(kid, algorithm), Pick::Found(_))
    }

    #[test]
    fn a_key_serves_one_algorithm_and_answers_to_its_name() {
        let keys = parse(&[ed("a"), rsa(256)]).expect("a set");
        assert!(found(&keys, Some("a"), Algorithm::EdDSA) && found(&keys, Some("rsa"), Algorithm::RS256));
        for algorithm in [Algorithm::RS256, Algorithm::HS256, Algorithm::ES256] {
            assert!(matches!(keys.pick(Some("a"), algorithm), Pick::Unfit), "{algorithm:?}");
        }
        assert!(matches!(keys.pick(Some("b"), Algorithm::EdDSA), Pick::Unknown));
        assert!(matches!(keys.pick(None, Algorithm::EdDSA), Pick::Unfit), "which one?");
        let one = parse(&[ed("a")]).expect("a set");
        assert!(found(&one, None, Algorithm::EdDSA) && !found(&one, None, Algorithm::RS256));
        let twins = parse(&[ed("a"), ed("a")]).expect("a set");
        assert!(matches!(twins.pick(Some("a"), Algorithm::EdDSA), Pick::Unfit), "which one?");
    }

    #[test]
    fn what_verifies_nothing_is_passed_over() {
        let useless = [
            rsa(128),
            rsa(1_024),
            json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode([7; 32]), "alg": "HS256", "kid": "oct"}),
            json!({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}),
            json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
            json!({"kty": "unheard-of"}),
            json!("no key"),
            with(ed("a"), "use", "enc".into()),
            with(ed("a"), "key_ops", json!(["sign"])),
            with(ed("a"), "alg", "RS256".into()),
            with(ed("a"), "x", "AA".into()),
            with(rsa(256), "alg", "RS512".into()),
        ];
        assert!(parse(&useless).expect("a set").is_empty());
        let good = with(with(ed("a"), "use", "sig".into()), "alg", "EdDSA".into());
        assert_eq!(parse(&[good, with(ed("b"), "key_ops", json!(["verify"]))]).expect("a set").len(), 2);
    }

    #[test]
    fn too_many_keys_or_something_else_is_no_set() {
        assert!(parse(&vec![ed("a"); 33]).is_err());
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
            assert!(Keys::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_of_keys_panic(text in ".*", n in ".{0,20}") {
            let _ = Keys::parse(text.as_bytes());
            let _ = parse(&[with(rsa(256), "n", n.clone().into()), with(ed("a"), "x", n.into())]);
        }
    }
}

//! Users' JWTs, signed by the SaaS with HS256. `exp` is required; `iss` and `aud` when the settings name them.

use chrono::{DateTime, Utc};
use entity::UserId;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::config::Auth;

/// Seconds that clocks may differ.
const LEEWAY: i64 = 30;
/// The longest token that is read.
const MOST_BYTES: usize = 8 * 1024;

/// What a token claims.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    nbf: Option<i64>,
}

/// The user that `token` stands for; none when anything about it is in doubt.
pub(super) fn user(auth: &Auth, token: &str, now: DateTime<Utc>) -> Option<UserId> {
    let secret = auth.jwt_hs256_secret.as_ref()?;
    if token.len() > MOST_BYTES {
        return None;
    }
    // Only HS256 is accepted, whatever the token's own header asks for.
    let mut validation = Validation::new(Algorithm::HS256);
    // Its times are judged below, by the same clock as everything else.
    (validation.validate_exp, validation.validate_nbf) = (false, false);
    let mut required = vec!["exp", "sub"];
    if let Some(issuer) = &auth.issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    match &auth.audience {
        Some(audience) => {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        None => validation.validate_aud = false,
    }
    validation.set_required_spec_claims(&required);
    let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation).ok()?.claims;
    let now = now.timestamp();
    let alive = now < claims.exp.saturating_add(LEEWAY);
    let begun = claims.nbf.is_none_or(|from| from.saturating_sub(LEEWAY) <= now);
    if alive && begun { claims.sub.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;

    fn auth() -> Auth {
        Auth { jwt_hs256_secret: Some("a secret of at least thirty-two bytes".into()), ..Auth::default() }
    }

    fn token(algorithm: Algorithm, claims: &Value) -> String {
        let key = EncodingKey::from_secret(b"a secret of at least thirty-two bytes");
        encode(&Header::new(algorithm), claims, &key).expect("a token")
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("in range")
    }

    #[test]
    fn a_token_lives_until_exp_and_needs_one() {
        let good = token(Algorithm::HS256, &json!({"sub": "u1", "exp": 1_000}));
        assert_eq!(user(&auth(), &good, at(1_029)), Some("u1".parse().expect("an id")));
        assert_eq!(user(&auth(), &good, at(1_030)), None);
        let endless = token(Algorithm::HS256, &json!({"sub": "u1"}));
        assert_eq!(user(&auth(), &endless, at(0)), None);
        let early = token(Algorithm::HS256, &json!({"sub": "u1", "exp": 1_000, "nbf": 500}));
        assert_eq!(user(&auth(), &early, at(100)), None);
    }

    #[test]
    fn another_algorithm_issuer_audience_or_subject_is_refused() {
        let claims = json!({"sub": "u1", "exp": 1_000, "iss": "saas", "aud": "gudok"});
        let strict = Auth { issuer: Some("saas".into()), audience: Some("gudok".into()), ..auth() };
        assert!(user(&strict, &token(Algorithm::HS256, &claims), at(0)).is_some());
        assert!(user(&strict, &token(Algorithm::HS512, &claims), at(0)).is_none());
        for wrong in [
            json!({"sub": "u1", "exp": 1_000, "iss": "other", "aud": "gudok"}),
            json!({"sub": "u1", "exp": 1_000, "iss": "saas", "aud": "other"}),
            json!({"sub": "u1", "exp": 1_000}),
            json!({"sub": "no spaces", "exp": 1_000, "iss": "saas", "aud": "gudok"}),
        ] {
            assert!(user(&strict, &token(Algorithm::HS256, &wrong), at(0)).is_none(), "{wrong}");
        }
        assert!(user(&auth(), "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1MSIsImV4cCI6MTAwMH0.", at(0)).is_none());
    }
}

//! Users' JWTs, signed by the SaaS: with HS256 under a secret, or with RS256, ES256 or `EdDSA` under a key that it publishes.
//! `exp` is required; `iss` and `aud` when the settings name them.

use chrono::{DateTime, Utc};
use entity::UserId;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::jwks::Jwks;
use crate::app::App;
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
pub(super) async fn user(app: &App, token: &str, now: DateTime<Utc>) -> Option<UserId> {
    let auth = &app.config.auth;
    if auth.jwks_url.is_none() && auth.jwt_hs256_secret.is_none() {
        return None;
    }
    let (algorithm, kid) = header(token)?;
    match algorithm {
        Algorithm::HS256 => by_secret(auth, token, now),
        Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA => {
            // Apart, because it is large, and fetches something only now and then.
            let key = Box::pin(Jwks::key(app, kid.as_deref(), algorithm)).await?;
            judge(auth, token, (algorithm, &key), now)
        }
        _ => None,
    }
}

/// What a token says of its signature: only enough to choose the key, whose kind then decides.
fn header(token: &str) -> Option<(Algorithm, Option<String>)> {
    if token.len() > MOST_BYTES {
        return None;
    }
    let header = jsonwebtoken::decode_header(token).ok()?;
    // What must be understood (RFC 7515, 4.1.11) is not.
    if header.crit.is_some() {
        return None;
    }
    Some((header.alg, header.kid))
}

/// By the one secret that the settings hold: a published key is never a secret, whatever a token's header says.
fn by_secret(auth: &Auth, token: &str, now: DateTime<Utc>) -> Option<UserId> {
    let secret = auth.jwt_hs256_secret.as_ref()?;
    let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
    judge(auth, token, (Algorithm::HS256, &key), now)
}

/// The user, if `key` has signed the token with this algorithm and no other, and its claims hold.
fn judge(
    auth: &Auth,
    token: &str,
    (algorithm, key): (Algorithm, &DecodingKey),
    now: DateTime<Utc>,
) -> Option<UserId> {
    let mut validation = Validation::new(algorithm);
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
    let claims = jsonwebtoken::decode::<Claims>(token, key, &validation).ok()?.claims;
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

    fn signed(header: &Header) -> String {
        encode(header, &json!({"sub": "u1", "exp": 1_000}), &EncodingKey::from_secret(b"x")).expect("a token")
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("in range")
    }

    #[test]
    fn a_token_lives_until_exp_and_needs_one() {
        let good = token(Algorithm::HS256, &json!({"sub": "u1", "exp": 1_000}));
        assert_eq!(by_secret(&auth(), &good, at(1_029)), Some("u1".parse().expect("an id")));
        assert_eq!(by_secret(&auth(), &good, at(1_030)), None);
        let endless = token(Algorithm::HS256, &json!({"sub": "u1"}));
        assert_eq!(by_secret(&auth(), &endless, at(0)), None);
        let early = token(Algorithm::HS256, &json!({"sub": "u1", "exp": 1_000, "nbf": 500}));
        assert_eq!(by_secret(&auth(), &early, at(100)), None);
    }

    #[test]
    fn a_header_that_asks_for_more_than_is_understood_is_refused() {
        let mut critical = Header::new(Algorithm::HS256);
        assert!(header(&signed(&critical)).is_some());
        critical.crit = Some(vec!["b64".to_owned()]);
        assert!(header(&signed(&critical)).is_none());
        assert!(header(&format!("{}.x.{}", signed(&Header::default()), "x".repeat(9_000))).is_none());
    }

    #[test]
    fn another_algorithm_issuer_audience_or_subject_is_refused() {
        let claims = json!({"sub": "u1", "exp": 1_000, "iss": "saas", "aud": "gudok"});
        let strict = Auth { issuer: Some("saas".into()), audience: Some("gudok".into()), ..auth() };
        assert!(by_secret(&strict, &token(Algorithm::HS256, &claims), at(0)).is_some());
        assert!(by_secret(&strict, &token(Algorithm::HS512, &claims), at(0)).is_none());
        for wrong in [
            json!({"sub": "u1", "exp": 1_000, "iss": "other", "aud": "gudok"}),
            json!({"sub": "u1", "exp": 1_000, "iss": "saas", "aud": "other"}),
            json!({"sub": "u1", "exp": 1_000}),
            json!({"sub": "no spaces", "exp": 1_000, "iss": "saas", "aud": "gudok"}),
        ] {
            assert!(by_secret(&strict, &token(Algorithm::HS256, &wrong), at(0)).is_none(), "{wrong}");
        }
        assert!(by_secret(&auth(), "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1MSIsImV4cCI6MTAwMH0.", at(0)).is_none());
    }
}

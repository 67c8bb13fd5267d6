//! A SaaS that signs its users' JWTs with keys of its own and publishes the public halves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gudok::clock::Clock;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::{Response, Server};
use serde_json::{Value, json};

/// A key that JWTs are signed with.
pub(super) struct Signing {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) key: EncodingKey,
}

impl Signing {
    /// Making one takes too long for a test; this one has never served anything else.
    pub(super) fn rsa(kid: &str) -> Self {
        let lines = include_str!("rsa.pem").lines().filter(|line| !line.starts_with('-'));
        let der = STANDARD.decode(lines.collect::<String>()).expect("base64");
        Self { kid: kid.to_owned(), algorithm: Algorithm::RS256, key: EncodingKey::from_rsa_der(&der) }
    }

    /// A fresh one on P-256, as PKCS #8 wraps it.
    pub(super) fn ec(kid: &str) -> Self {
        let mut der = vec![0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
        der.extend([6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20]);
        der.extend(rand::random::<[u8; 32]>());
        Self { kid: kid.to_owned(), algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(&der) }
    }

    /// A fresh one for Ed25519, likewise.
    pub(super) fn ed(kid: &str) -> Self {
        let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        der.extend(rand::random::<[u8; 32]>());
        Self { kid: kid.to_owned(), algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(&der) }
    }

    /// What is published of it.
    pub(super) fn public(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).expect("a public key");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        jwk["kid"] = self.kid.as_str().into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// The header that its tokens carry.
    pub(super) fn header(&self) -> Header {
        Header { kid: Some(self.kid.clone()), ..Header::new(self.algorithm) }
    }

    /// A token with these claims.
    pub(super) fn sign(&self, claims: &Value) -> String {
        encode(&self.header(), claims, &self.key).expect("a token")
    }

    /// A token for the user `u1`, good for a day.
    pub(super) fn token(&self, clock: &Clock) -> String {
        self.sign(&claims(clock))
    }
}

/// What a token for the user `u1` claims, good for a day.
pub(super) fn claims(clock: &Clock) -> Value {
    json!({"sub": "u1", "exp": clock.now().timestamp() + 86_400})
}

/// What is answered where keys are looked for.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// These keys.
    Keys(Vec<Value>),
    /// Something else.
    Body(u16, String),
    /// The keys are elsewhere.
    Redirect(String),
    /// Nothing, for as long as a test takes.
    Silence,
}

/// Where keys are published.
pub(super) struct Publisher {
    /// Its address.
    pub(super) url: String,
    state: Arc<Mutex<(Answer, usize)>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Publisher {
    /// Publishes `keys`.
    pub(super) async fn start(keys: &[&Signing]) -> Self {
        let state = Arc::new(Mutex::new((published(keys), 0)));
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("a port");
        let address = acceptor.local_addr()[0].as_socket_addr().copied().expect("an address");
        let answering = Arc::clone(&state);
        let endpoint = poem::endpoint::make(move |_| {
            let answer = {
                let mut state = answering.lock().expect("not poisoned");
                state.1 += 1;
                state.0.clone()
            };
            async move {
                let (status, body) = match answer {
                    Answer::Keys(keys) => (200, json!({"keys": keys}).to_string()),
                    Answer::Body(status, body) => (status, body),
                    Answer::Redirect(to) => {
                        return Response::builder()
                            .status(poem::http::StatusCode::FOUND)
                            .header("location", to)
                            .finish();
                    }
                    Answer::Silence => {
                        tokio::time::sleep(Duration::from_secs(600)).await;
                        (200, String::new())
                    }
                };
                Response::builder().status(status.try_into().expect("a status")).body(body)
            }
        });
        let serving = tokio::spawn(async move {
            Server::new_with_acceptor(acceptor).run(endpoint).await.expect("served");
        });
        Self { url: format!("http://{address}/keys"), state, serving }
    }

    /// Publishes these keys from now on.
    pub(super) fn publish(&self, keys: &[&Signing]) {
        self.answer(published(keys));
    }

    /// Answers this from now on.
    pub(super) fn answer(&self, answer: Answer) {
        self.state.lock().expect("not poisoned").0 = answer;
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.state.lock().expect("not poisoned").1
    }

    /// Is gone.
    pub(super) async fn stop(&mut self) {
        self.serving.abort();
        // Aborted on purpose.
        let _ = (&mut self.serving).await;
    }
}

fn published(keys: &[&Signing]) -> Answer {
    Answer::Keys(keys.iter().map(|key| key.public()).collect())
}

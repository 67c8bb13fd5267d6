//! TLS of our own, for where no proxy does it: the certificate is read again when its files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use sha2::{Digest, Sha256};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::config::Server;

/// How often the files are looked at, beside whenever SIGHUP asks for it.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(60);

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    /// A file cannot be read.
    #[error("{file}: {error}", file = .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{file}: {error}", file = .file.display())]
    Pem {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        error: rustls::pki_types::pem::Error,
    },
    /// The certificate and the key do not go together, or cannot be used.
    #[error("server.tls_certificate and server.tls_key: {0}")]
    Pair(#[from] rustls::Error),
}

/// Where the certificate and its key are.
#[derive(Clone, Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// The pair in use; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    files: Files,
    /// A digest of what was read at first.
    first: [u8; 32],
    current: watch::Sender<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the configured pair; none when none is configured.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(super) fn of(server: &Server) -> Result<Option<Self>, TlsError> {
        let (Some(certificate), Some(key)) = (&server.tls_certificate, &server.tls_key) else {
            return Ok(None);
        };
        let files = Files { certificate: certificate.clone(), key: key.clone() };
        let pair = files.read()?;
        let config = files.usable(&pair)?;
        Ok(Some(Self { files, first: pair.digest(), current: watch::Sender::new(config) }))
    }

    /// What a new connection is greeted with.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.borrow()))
    }

    /// Looks at the files until `stopping`, every minute and whenever SIGHUP comes.
    pub(super) fn keep_fresh(&self, stopping: CancellationToken) {
        let tls = self.clone();
        tokio::spawn(async move {
            let mut asked = match signal(SignalKind::hangup()) {
                Ok(asked) => Some(asked),
                Err(error) => {
                    tracing::warn!(%error, "SIGHUP is not heard; certificates are looked at every minute");
                    None
                }
            };
            let mut tried = tls.first;
            loop {
                let hangup = async {
                    match &mut asked {
                        Some(asked) => drop(asked.recv().await),
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = tokio::time::sleep(LOOKED_AT_EVERY) => {}
                    () = hangup => {}
                    () = stopping.cancelled() => return,
                }
                tls.look(&mut tried);
            }
        });
    }

    /// Takes what the files hold if it is new and sound. What is not is told once, and what is in use stays.
    fn look(&self, tried: &mut [u8; 32]) {
        let pair = match self.files.read() {
            Ok(pair) => pair,
            Err(error) => {
                return tracing::error!(%error, "the certificate cannot be read; the old one stays");
            }
        };
        if pair.digest() == *tried {
            return;
        }
        *tried = pair.digest();
        match self.files.usable(&pair) {
            Ok(config) => {
                self.current.send_replace(config);
                tracing::info!("a new certificate is in use");
            }
            Err(error) => tracing::error!(%error, "the new certificate cannot be used; the old one stays"),
        }
    }
}

/// The files' contents.
struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Pair {
    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(Sha256::digest(&self.certificate));
        digest.update(&self.key);
        digest.finalize().into()
    }
}

impl Files {
    fn read(&self) -> Result<Pair, TlsError> {
        let read = |file: &Path| {
            std::fs::read(file).map_err(|error| TlsError::Read { file: file.to_owned(), error })
        };
        Ok(Pair { certificate: read(&self.certificate)?, key: read(&self.key)? })
    }

    /// TLS 1.2 and 1.3 with this pair, and HTTP/2 for those who want it.
    fn usable(&self, pair: &Pair) -> Result<Arc<ServerConfig>, TlsError> {
        let pem = |file: &Path| {
            let file = file.to_owned();
            move |error| TlsError::Pem { file, error }
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pair.certificate).collect();
        let chain = chain.map_err(pem(&self.certificate))?;
        let key = PrivateKeyDer::from_pem_slice(&pair.key).map_err(pem(&self.key))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

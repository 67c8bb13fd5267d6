//! TLS without a proxy, HTTP/2, and certificates that change.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::process::{Serving, eventually};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    with_a_certificate_the_service_speaks_tls_and_nothing_else,
    a_new_certificate_is_used_without_a_restart,
    a_broken_certificate_changes_nothing_and_is_told,
    a_certificate_without_its_key_stops_the_start,
    http2_is_spoken_with_and_without_tls,
    the_health_check_knows_whether_tls_is_on,
];

/// A self-signed pair in two files.
struct Pair {
    folder: TempDir,
    current: CertificateDer<'static>,
}

impl Pair {
    fn new() -> Self {
        let mut pair = Self { folder: tempfile::tempdir().expect("a folder"), current: vec![].into() };
        pair.renew();
        pair
    }

    fn renew(&mut self) -> CertificateDer<'static> {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        write(&self.folder.path().join("key.pem"), &signing_key.serialize_pem());
        write(&self.folder.path().join("certificate.pem"), &cert.pem());
        std::mem::replace(&mut self.current, cert.der().clone())
    }

    fn variables(&self, world: &World) -> HashMap<String, String> {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let mut variables = world.variables.clone();
        variables.insert("GUDOK__SERVER__TLS_CERTIFICATE".to_owned(), path("certificate.pem"));
        variables.insert("GUDOK__SERVER__TLS_KEY".to_owned(), path("key.pem"));
        variables
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("written");
}

type Shaken = std::io::Result<TlsStream<TcpStream>>;

/// Shakes hands, trusting this certificate and no other.
async fn shake(
    serving: &Serving,
    trusted: &CertificateDer<'static>,
    alpn: &[&str],
    versions: &[&'static SupportedProtocolVersion],
) -> Shaken {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions);
    let mut config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(serving.authority()).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn ask(mut stream: TlsStream<TcpStream>) -> String {
    let request = b"GET /v1/plans HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

async fn with_a_certificate_the_service_speaks_tls_and_nothing_else(world: &World) {
    let pair = Pair::new();
    let serving = Serving::start(&pair.variables(world)).await;
    for version in [&TLS13, &TLS12] {
        let stream = shake(&serving, &pair.current, &["http/1.1"], &[version]).await.expect("TLS");
        let answer = ask(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000"), "{answer}");
    }
    serving.client(None).request("GET", "/v1/plans").send().await.expect_err("in the clear");
}

async fn a_new_certificate_is_used_without_a_restart(world: &World) {
    let mut pair = Pair::new();
    let serving = Serving::start(&pair.variables(world)).await;
    let before = shake(&serving, &pair.current, &[], &[&TLS13]).await.expect("TLS");
    let old = pair.renew();
    serving.hang_up();
    eventually("the new certificate", async || shake(&serving, &pair.current, &[], &[&TLS13]).await.ok())
        .await;
    shake(&serving, &old, &[], &[&TLS13]).await.expect_err("the old certificate");
    let answer = ask(before).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "connections that were open stay: {answer}");
}

async fn a_broken_certificate_changes_nothing_and_is_told(world: &World) {
    let pair = Pair::new();
    let serving = Serving::start(&pair.variables(world)).await;
    for (number, broken) in ["no certificate at all", ""].into_iter().enumerate() {
        write(&pair.folder.path().join("certificate.pem"), broken);
        serving.hang_up();
        eventually("it is told", async || {
            let told = |line: &&serde_json::Value| {
                line["message"] == "the new certificate cannot be used; the old one stays"
                    && line["level"] == "ERROR"
            };
            (serving.lines().iter().filter(told).count() > number).then_some(())
        })
        .await;
        let stream = shake(&serving, &pair.current, &[], &[&TLS13]).await.expect("the old certificate");
        assert!(ask(stream).await.starts_with("HTTP/1.1 200 "));
    }
    assert!(!serving.said().contains("PRIVATE KEY"), "{}", serving.said());
}

async fn a_certificate_without_its_key_stops_the_start(world: &World) {
    let pair = Pair::new();
    let mut halved = pair.variables(world);
    halved.remove("GUDOK__SERVER__TLS_KEY");
    let mut other = pair.variables(world);
    let strange = Pair::new();
    let key = strange.folder.path().join("key.pem").display().to_string();
    other.insert("GUDOK__SERVER__TLS_KEY".to_owned(), key);
    for (variables, named) in
        [(halved, "server.tls_key"), (other, "server.tls_certificate and server.tls_key")]
    {
        let ended = crate::support::process::run(&variables, &["serve"]).await;
        assert!(!ended.status.success());
        let said = crate::support::process::complaint(&ended);
        assert!(said.contains(named), "{said}");
    }
}

async fn http2_is_spoken_with_and_without_tls(world: &World) {
    let pair = Pair::new();
    let secure = Serving::start(&pair.variables(world)).await;
    let stream = shake(&secure, &pair.current, &["h2", "http/1.1"], &[&TLS13]).await.expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(plans_over_http2(stream).await, 200);
    let plain = Serving::start(&world.variables).await;
    let stream = TcpStream::connect(plain.authority()).await.expect("a connection");
    assert_eq!(plans_over_http2(stream).await, 200);
    // A connection that a client keeps open must not keep the process.
    let mut plain = plain;
    let stream = TcpStream::connect(plain.authority()).await.expect("a connection");
    let (client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let driver = tokio::spawn(connection);
    plain.terminate();
    assert_eq!(plain.ended().await, Some(0), "{}", plain.said());
    drop(client);
    assert!(driver.await.is_ok());
}

async fn the_health_check_knows_whether_tls_is_on(world: &World) {
    let mut pair = Pair::new();
    for mut variables in [pair.variables(world), world.variables.clone()] {
        let serving = Serving::start(&variables).await;
        variables.insert("GUDOK__SERVER__BIND".to_owned(), serving.authority().to_owned());
        let asked = async || crate::support::process::run(&variables, &["health"]).await.status.success();
        assert!(asked().await, "{}", serving.said());
        // The files are newer than what the service has looked at.
        pair.renew();
        assert!(asked().await);
        drop(serving);
        assert!(!asked().await, "nobody serves");
    }
}

/// The status of a request for the plans.
async fn plans_over_http2<S>(stream: S) -> u16
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let driver = tokio::spawn(connection);
    let request = poem::http::Request::get("https://localhost/v1/plans").body(()).expect("a request");
    let (answer, _) = client.send_request(request, true).expect("sent");
    let status = answer.await.expect("an answer").status().as_u16();
    drop(client);
    driver.await.expect("not cut off").expect("a clean end");
    status
}

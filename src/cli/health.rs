//! `gudok health`: whether the service on this machine can serve, or at least lives, for containers that have no other client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::config::Config;

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(2);

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What to ask; `/readyz` at `server.bind` unless set.
    #[arg(long)]
    url: Option<String>,
    /// Asks `/healthz` instead: whether the process lives, whatever its database does.
    #[arg(long, conflicts_with = "url")]
    alive: bool,
}

/// Asks `/readyz` or `/healthz`; exit code 0 when it answers 200.
///
/// # Errors
/// When the settings cannot be read, or nothing answers.
pub(super) async fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    // Only the first of many calls in a process installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(WITHIN).no_proxy();
    let (url, client) = match &arguments.url {
        Some(url) => (url.clone(), client),
        None => {
            let server = Config::load()?.server;
            let scheme = if server.has_tls() { "https" } else { "http" };
            // Our own port on our own machine: the certificate names the host that the world knows, not this address, and
            // for the minute until a renewed file is looked at, or for as long as a new one is broken, the service rightly
            // shows an older one than the files hold. Nothing is sent that anybody may not see, and all that is learned is
            // whether somebody serves there; so any certificate will do.
            let client = client.tls_danger_accept_invalid_certs(server.has_tls());
            let path = if arguments.alive { "healthz" } else { "readyz" };
            (format!("{scheme}://{}/{path}", reachable(server.bind)), client)
        }
    };
    let status = client.build()?.get(url).send().await?.status();
    Ok(if status.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where a service that listens on all addresses is reached from here.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_on_all_addresses_is_asked_on_loopback() {
        let asked = |bind: &str| reachable(bind.parse().expect("an address")).to_string();
        assert_eq!(asked("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(asked("[::]:9"), "[::1]:9");
        assert_eq!(asked("10.0.0.7:80"), "10.0.0.7:80");
    }
}

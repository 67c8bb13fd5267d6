//! `gudok health`: whether the service on this machine can serve, for containers that have no other client.

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
}

/// Asks `/readyz`; exit code 0 when it answers 200.
///
/// # Errors
/// When the settings cannot be read, or nothing answers.
pub(super) async fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let url = match &arguments.url {
        Some(url) => url.clone(),
        None => format!("http://{}/readyz", reachable(Config::load()?.server.bind)),
    };
    // Only the first of many calls in a process installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(WITHIN).no_proxy().build()?;
    let status = client.get(url).send().await?.status();
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

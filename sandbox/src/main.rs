//! The sandbox on its own: starts, says how to try it, and serves until it is interrupted.

use std::{io, net::SocketAddr};

use clap::Parser;
use toss_sandbox::{Options, Sandbox};
use tracing_subscriber::EnvFilter;

/// A local Toss Payments to develop and test against. No money moves here.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen. The control calls need no key: keep it on the loopback.
    #[arg(long, default_value = "127.0.0.1:8081")]
    bind: SocketAddr,
    /// The secret key to accept.
    #[arg(long, default_value_t = Options::default().secret_key)]
    secret_key: String,
    /// The client key that belongs to it.
    #[arg(long, default_value_t = Options::default().client_key)]
    client_key: String,
    /// Allow several cancels of one payment within a second.
    #[arg(long)]
    no_consecutive_cancel_limit: bool,
    /// Allow an order that is paid to be paid again with another payment.
    #[arg(long)]
    several_approvals_per_order: bool,
    /// Take a payment key that nobody has seen for an authenticated one, for load tests.
    #[arg(long)]
    any_key: bool,
    /// Where to send webhooks; it can also be set while the sandbox runs.
    #[arg(long)]
    webhook_url: Option<String>,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    let arguments = Arguments::parse();
    let sandbox = Sandbox::start(Options {
        bind: arguments.bind,
        secret_key: arguments.secret_key,
        client_key: arguments.client_key,
        consecutive_cancel_limit: !arguments.no_consecutive_cancel_limit,
        one_approval_per_order: !arguments.several_approvals_per_order,
        any_key: arguments.any_key,
        webhook_url: arguments.webhook_url,
        ..Options::default()
    })
    .await?;
    welcome(&sandbox);
    tokio::signal::ctrl_c().await?;
    sandbox.stop().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is what the program has to say to its user")]
fn welcome(sandbox: &Sandbox) {
    let (url, secret) = (sandbox.url(), sandbox.secret_key());
    println!(
        "toss-sandbox serves {url}
  secret key  {secret}
  client key  {client}

Try it: a buyer authenticates, and the shop confirms.

  KEY=$(curl -s {url}/sandbox/payments -d '{{\"orderId\":\"order-0001\",\"amount\":9900}}' \\
    | sed 's/.*\"paymentKey\":\"\\([^\"]*\\)\".*/\\1/')
  curl -s {url}/v1/payments/confirm -u {secret}: -H 'Content-Type: application/json' \\
    -d '{{\"paymentKey\":\"'$KEY'\",\"orderId\":\"order-0001\",\"amount\":9900}}'
  curl -s {url}/sandbox/ledger

For a checkout page   {url}/v2/standard
Pay virtual accounts  {url}/sandbox/bank
All control calls     curl -s {url}/",
        client = sandbox.client_key(),
    );
}

//! The `gudok` binary.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    gudok::cli::Cli::parse().run().await
}

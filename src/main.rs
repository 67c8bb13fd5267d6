//! The `gudok` binary.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// An answer is made of hundreds of small pieces of memory: the system's allocator spends a seventh of a read on them, and
/// that of small images, musl's, far more.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    gudok::cli::Cli::parse().run().await
}

//! The `gudok` binary.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// A request is some hundred small pieces of memory, taken by one thread and given back by another, over which the threads
/// of the C library's allocator wait for each other.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    gudok::cli::Cli::parse().run().await
}

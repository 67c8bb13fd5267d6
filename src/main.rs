//! The `gudok` binary.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// A request is some hundred small pieces of memory, taken by one thread and given back by another, over which the threads
/// of the C library's allocator wait for each other.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().on_thread_park(gudok::telemetry::before_waiting);
    match runtime.build() {
        Ok(runtime) => runtime.block_on(gudok::cli::Cli::parse().run()),
        Err(error) => {
            // Where nobody listens there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "gudok: no threads to work with: {error}");
            ExitCode::FAILURE
        }
    }
}

//! Load tests of the shipped binary, beside what its database can do at most: `cargo bench --bench load`. It starts
//! PostgreSQL, the Toss sandbox and gudok by itself, each in processes of their own, and prints one table. How to read
//! it: `docs/performance.md`.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]
#![allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "rates and ratios; no money here")]

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use futures_util::FutureExt;

mod cluster;
mod drive;
mod http;
mod pgbench;
mod sections;
mod seed;
mod service;
mod table;
mod world;

use world::{Settings, World};

/// Measures gudok under load.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only these sections: start, purchases, refunds, reads, lists, replicas, expire, beside, growth.
    sections: Vec<String>,
    /// How often everything is measured; the table shows medians.
    #[arg(long, default_value_t = 5)]
    runs: u64,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Payments stored where big books are measured.
    #[arg(long, default_value_t = 10_000_000)]
    payments: u64,
    /// Subscriptions of which the nightly job expires half.
    #[arg(long, default_value_t = 2_000_000)]
    subscriptions: u64,
    /// A short look: one run, one second each, small books.
    #[arg(long)]
    quick: bool,
    /// Another gudok than the one that was just built, to compare with.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// A setting of PostgreSQL's, as `shared_buffers=128MB`, in place of the benchmark's own; any number of them.
    #[arg(long, value_name = "NAME=VALUE")]
    postgres: Vec<String>,
    /// A setting of gudok's, as `GUDOK__DATABASE__MAX_CONNECTIONS=4`; any number of them.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    gudok: Vec<(String, String)>,
    /// Print the statements that pgbench is given.
    #[arg(long)]
    statements: bool,
    /// What `cargo bench` says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn setting(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn main() -> ExitCode {
    // One thread drives: the other cores are the service's.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if service::be_the_sandbox_if_told(&runtime) {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::parse();
    let built = PathBuf::from(env!("CARGO_BIN_EXE_gudok"));
    let settings = Settings {
        runs: if arguments.quick { 1 } else { arguments.runs },
        seconds: if arguments.quick { 1 } else { arguments.seconds },
        payments: if arguments.quick { arguments.payments.min(50_000) } else { arguments.payments },
        subscriptions: if arguments.quick {
            arguments.subscriptions.min(20_000)
        } else {
            arguments.subscriptions
        },
        binary: arguments.binary.unwrap_or(built),
        postgres: arguments.postgres,
        gudok: arguments.gudok,
        statements: arguments.statements,
    };
    let sections = match arguments.sections {
        all if all.is_empty() => sections::NAMES.map(str::to_owned).to_vec(),
        chosen => chosen,
    };
    let world = World::new(settings);
    let mut broken = false;
    runtime.block_on(async {
        let all = async {
            for section in &sections {
                // What the others have measured is worth having.
                if AssertUnwindSafe(sections::run(&world, section)).catch_unwind().await.is_err() {
                    world.say(&format!("{section} broke off"));
                    broken = true;
                }
            }
        };
        tokio::select! {
            () = all => {}
            // What was measured so far is shown, and what was started ends.
            _ = tokio::signal::ctrl_c() => world.say("interrupted"),
        }
    });
    say(&world.about());
    say(&world.table());
    if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

#[expect(clippy::print_stdout, reason = "the result, for whoever runs it")]
fn say(text: &str) {
    println!("{text}");
}

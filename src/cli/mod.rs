//! The commands of the binary.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::{db, http, telemetry};

mod job;
mod serve;

/// Self-hosted subscription billing over Toss Payments.
#[derive(Debug, Parser)]
#[command(name = "gudok", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and run jobs by schedule, until SIGTERM or Ctrl-C.
    Serve,
    /// Bring the database's schema up to date.
    Migrate {
        /// Take every step back instead, which drops all data.
        #[arg(long)]
        down: bool,
        /// Needed with --down.
        #[arg(long, requires = "down")]
        yes_drop_all_data: bool,
    },
    /// Work with jobs.
    Job {
        #[command(subcommand)]
        command: JobCommand,
    },
    /// Print the OpenAPI document.
    Openapi,
}

#[derive(Debug, Subcommand)]
enum JobCommand {
    /// Run a job once, now, and print its run.
    Run {
        /// expire-subscriptions, settle-payments, purge-temp-orders or purge-idempotency-keys.
        name: String,
    },
}

impl Cli {
    /// Carries the command out. What goes wrong is said on standard error, in one line.
    pub async fn run(self) -> ExitCode {
        let outcome = match self.command {
            Command::Openapi => {
                say(&http::openapi());
                Ok(ExitCode::SUCCESS)
            }
            Command::Serve => {
                telemetry::init();
                serve::serve().await
            }
            Command::Migrate { down: true, yes_drop_all_data: false } => {
                Err("--down drops all data; say --yes-drop-all-data as well".into())
            }
            Command::Migrate { down, .. } => {
                telemetry::init();
                migrate(down).await
            }
            Command::Job { command: JobCommand::Run { name } } => {
                telemetry::init();
                job::run(&name).await
            }
        };
        outcome.unwrap_or_else(|error: Box<dyn std::error::Error>| {
            complain(&format!("gudok: {error}"));
            ExitCode::FAILURE
        })
    }
}

async fn migrate(down: bool) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let config = Config::load()?;
    if down {
        db::migrate::down(&config.database.url).await?;
    } else {
        db::migrate::up(&config.database.url).await?;
    }
    tracing::info!(down, "migrated");
    Ok(ExitCode::SUCCESS)
}

/// A command's result goes to standard output, apart from log lines. A reader that has seen enough may close it.
fn say(text: &str) {
    let mut output = std::io::stdout().lock();
    if let Err(error) = output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        tracing::debug!(%error, "nobody reads the output");
    }
}

#[expect(clippy::print_stderr, reason = "said to whoever typed the command, before or without logging")]
fn complain(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definition_of_the_commands_is_valid() {
        super::Cli::command().debug_assert();
    }
}

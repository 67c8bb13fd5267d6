//! The commands of the binary.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::{db, http, telemetry};

mod api_key;
mod check;
mod health;
mod job;
mod reconcile;
mod serve;
mod table;
mod user;

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
    /// Compare Toss's books with ours, repair what can be repaired and report the rest.
    ///
    /// Exit code 0: nothing differs any more. 1: something does. 2: it could not be compared.
    Reconcile(reconcile::Arguments),
    /// Check that the invariants hold inside our own books. Writes nothing.
    ///
    /// Exit code 0: all hold. 1: some do not. 2: it could not be checked.
    Check(check::Arguments),
    /// Give out or erase what the books hold about one user.
    User {
        #[command(subcommand)]
        command: user::Command,
    },
    /// Ask the service on this machine whether it can serve. Exit code 0: it can.
    Health(health::Arguments),
    /// Make, list and revoke API keys.
    ApiKey {
        #[command(subcommand)]
        command: api_key::Command,
    },
    /// Print the OpenAPI document.
    Openapi,
}

#[derive(Debug, Subcommand)]
enum JobCommand {
    /// Run a job once, now, and print its run.
    Run {
        /// One of those that `GET /v1/jobs` lists, such as settle-payments.
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
            Command::Health(arguments) => health::run(&arguments).await,
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
            Command::ApiKey { command } => {
                telemetry::init();
                api_key::run(command).await
            }
            Command::Reconcile(arguments) => {
                telemetry::init_beside_progress();
                Ok(verdict(reconcile::run(&arguments).await))
            }
            Command::Check(arguments) => {
                telemetry::init_beside_progress();
                Ok(verdict(check::run(&arguments).await))
            }
            Command::User { command } => {
                telemetry::init_beside_progress();
                user::run(&command).await.map(|()| ExitCode::SUCCESS)
            }
        };
        outcome.unwrap_or_else(|error: Box<dyn std::error::Error>| {
            complain(&format!("gudok: {error}"));
            ExitCode::FAILURE
        })
    }
}

/// The exit code of a comparison: 0 when all is well, 1 when not, 2 when it could not be found out.
fn verdict(outcome: Result<Option<bool>, Box<dyn std::error::Error>>) -> ExitCode {
    match outcome {
        Ok(Some(true)) => ExitCode::SUCCESS,
        Ok(Some(false)) => ExitCode::from(1),
        Ok(None) => ExitCode::from(2),
        Err(error) => {
            complain(&format!("gudok: {error}"));
            ExitCode::from(2)
        }
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

/// The parts of the service for one command, which may need Toss.
async fn app(config: Config, asks_toss: bool) -> Result<App, Box<dyn std::error::Error>> {
    if asks_toss && config.toss.secret_key.is_none() {
        return Err("toss.secret_key is needed: set GUDOK__TOSS__SECRET_KEY".into());
    }
    let app = App::build(config, Clock::system()).await?;
    if !db::migrate::is_current(&app.db).await? {
        return Err("the database's schema is outdated: run `gudok migrate` first".into());
    }
    Ok(app)
}

/// At SIGTERM or SIGINT: cancels `app.draining` at once, and `app.stopping` after `drain` or at the next signal.
///
/// # Errors
/// When signals cannot be heard.
fn stop_on_signals(app: &App, drain: Duration) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let app = app.clone();
    tokio::spawn(async move {
        let mut asked = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        asked().await;
        tracing::info!("asked to stop");
        app.draining.cancel();
        // Whether time is up or somebody is impatient is all the same.
        let _ = tokio::time::timeout(drain, asked()).await;
        app.stopping.cancel();
    });
    Ok(())
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

    #[test]
    fn no_command_takes_a_secret_which_everybody_on_the_machine_could_read() {
        fn look_through(command: &clap::Command) {
            for argument in command.get_arguments() {
                let name = argument.get_id().as_str();
                let secret = ["key", "secret", "password", "token"].iter().any(|word| name.contains(word));
                assert!(!secret, "{} takes {name}", command.get_name());
            }
            command.get_subcommands().for_each(look_through);
        }
        look_through(&super::Cli::command());
    }
}

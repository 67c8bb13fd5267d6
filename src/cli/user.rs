//! `gudok user export|erase`: what the books hold about one user, given out or taken out.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use entity::UserId;

use crate::audit::Actor;
use crate::config::Config;
use crate::users::{erase, export};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print all that the books hold about a user, as one JSON document.
    Export(Export),
    /// Take out of the books who a user was. It cannot be undone. The records of payments stay, under a random name.
    ///
    /// Refused while money is under way.
    Erase(Erase),
}

#[derive(Clone, Debug, Args)]
pub(super) struct Export {
    /// The user, as the SaaS calls it.
    user_id: UserId,
    /// Write to this new file, which only its owner can read, instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Erase {
    /// The user, as the SaaS calls it.
    user_id: UserId,
    /// Needed, because it cannot be undone.
    #[arg(long)]
    yes: bool,
    /// Erase the user even though time that was paid for is not over.
    #[arg(long)]
    even_if_active: bool,
}

/// Carries it out.
///
/// # Errors
/// Whatever prevents it; an erasure has changed nothing then.
pub(super) async fn run(command: &Command) -> Result<(), Box<dyn std::error::Error>> {
    match command {
        Command::Export(arguments) => give_out(arguments).await,
        Command::Erase(arguments) => take_out(arguments).await,
    }
}

async fn give_out(arguments: &Export) -> Result<(), Box<dyn std::error::Error>> {
    let app = super::app(Config::load()?, false).await?;
    let now = app.clock.now();
    let outcome = match &arguments.out {
        Some(path) => {
            let file = private(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let outcome = export(&app, &arguments.user_id, &mut BufWriter::new(file), now).await;
            if outcome.is_err() {
                // A part of an export is none.
                std::fs::remove_file(path)?;
            }
            outcome
        }
        None => export(&app, &arguments.user_id, &mut BufWriter::new(Standard), now).await,
    };
    app.db.clone().close().await;
    Ok(outcome?)
}

async fn take_out(arguments: &Erase) -> Result<(), Box<dyn std::error::Error>> {
    if !arguments.yes {
        return Err("an erasure cannot be undone; say --yes as well".into());
    }
    let app = super::app(Config::load()?, false).await?;
    let outcome =
        erase(&app, &arguments.user_id, arguments.even_if_active, &Actor::command_line(), app.clock.now())
            .await;
    app.db.clone().close().await;
    let erased = outcome?;
    super::say(&format!(
        "erased; {} payments are kept under {}, {} quoted orders and {} kept answers are gone\n",
        erased.payments, erased.user_id, erased.temp_orders, erased.answers
    ));
    Ok(())
}

/// A new file for its owner alone; one that is there already is not written over.
fn private(path: &PathBuf) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Standard output, locked only while it is written to: a lock must not be held while the database is waited for.
struct Standard;

impl Write for Standard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().lock().flush()
    }
}

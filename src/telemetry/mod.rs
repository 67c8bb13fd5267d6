//! Log lines: for people in a terminal, JSON elsewhere. Secrets, card numbers and whole payment keys are in none.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

mod batches;
mod json;

pub use batches::before_waiting;

/// Ours in full, and of the libraries only what needs attention.
const DEFAULT_LEVELS: &str = "info,poem=warn,sea_orm_migration=warn,tokio_cron_scheduler=warn";

/// Starts logging to standard error; `RUST_LOG` chooses the levels (default `info` for gudok).
pub fn init() {
    init_at(DEFAULT_LEVELS);
}

/// The same for a command that shows its progress and its findings itself: in a terminal only other warnings, unless
/// `RUST_LOG` wants more.
pub fn init_beside_progress() {
    init_at(if std::io::stderr().is_terminal() { "warn,gudok::reconcile=off" } else { DEFAULT_LEVELS });
}

fn init_at(levels: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(levels));
    let lines = tracing_subscriber::fmt().with_env_filter(filter);
    // A second start in one process (tests) keeps the first subscriber.
    let started = if std::io::stderr().is_terminal() {
        lines.with_writer(std::io::stderr).compact().try_init()
    } else {
        let lines = lines.fmt_fields(json::Members).event_format(json::Lines);
        match batches::Batches::to_stderr() {
            Ok(batches) => lines.with_writer(batches).try_init(),
            Err(_closed) => lines.with_writer(std::io::stderr).try_init(),
        }
    };
    if started.is_err() {
        tracing::debug!("logging was already started");
    }
}

/// Enough of a payment key to find it in Toss's console, too little to use it.
pub fn shorten(payment_key: &str) -> String {
    let head: String = payment_key.chars().take(8).collect();
    format!("{head}…")
}

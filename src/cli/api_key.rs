//! `gudok api-key create|list|revoke`: keys for the SaaS's servers and for operators, several at a time for rotation.

use std::process::ExitCode;

use chrono::{DateTime, Duration, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use clap::{Subcommand, ValueEnum};
use entity::api_key::{self, ApiKeyRole};
use secrecy::ExposeSecret;

use super::table::table;
use crate::api_keys::{self, NewKey, Standing};
use crate::app::App;
use crate::audit::Actor;
use crate::config::Config;

/// What is to be done with keys.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key and print it, once: only its digest is kept.
    Create {
        /// What it may do.
        #[arg(long)]
        role: Role,
        /// What people call it, 1 to 100 characters.
        #[arg(long)]
        name: Option<String>,
        /// When it ends: after days (90d), or at the end of a day (YYYY-MM-DD) in billing.timezone. Never, if left out.
        #[arg(long, value_name = "90d|DATE", value_parser = end)]
        expires: Option<End>,
    },
    /// List the keys that were made, newest first.
    List,
    /// Revoke a key: from then on it is refused, by all processes within five seconds.
    Revoke {
        /// Its id, or its first characters as `list` shows them.
        #[arg(value_name = "ID|PREFIX")]
        named: String,
    },
}

/// What a key may do.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Role {
    /// What the SaaS's own servers may.
    Service,
    /// Everything.
    Admin,
}

/// When a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// After so many days.
    After(u16),
    /// At the end of this day.
    Of(NaiveDate),
}

fn end(text: &str) -> Result<End, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok()).filter(|days| *days > 0);
    let day = || text.parse().ok().map(End::Of);
    days.map(End::After)
        .or_else(day)
        .ok_or_else(|| "must be days such as 90d, or a date YYYY-MM-DD".to_owned())
}

impl End {
    /// The first instant at which the key is refused.
    fn at(self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        match self {
            Self::After(days) => now.checked_add_signed(Duration::days(i64::from(days))),
            Self::Of(day) => {
                let midnight = day.succ_opt()?.and_hms_opt(0, 0, 0)?;
                Some(zone.from_local_datetime(&midnight).earliest()?.with_timezone(&Utc))
            }
        }
    }
}

/// Does what `command` says; exit code 1 where there is no such key.
///
/// # Errors
/// Whatever prevents it.
pub(super) async fn run(command: Command) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let app = super::app(Config::load()?, false).await?;
    match command {
        Command::Create { role, name, expires } => create(&app, role, name, expires).await?,
        Command::List => list(&app).await?,
        Command::Revoke { named } => {
            let key = api_keys::revoke(&app, &named, &Actor::command_line(), app.clock.now()).await?;
            super::say(&format!("{} is revoked\n", key.prefix));
        }
    }
    app.db.clone().close().await;
    Ok(ExitCode::SUCCESS)
}

async fn create(
    app: &App,
    role: Role,
    name: Option<String>,
    expires: Option<End>,
) -> Result<(), Box<dyn std::error::Error>> {
    let now = app.clock.now();
    let named = |name: &String| (1..=100).contains(&name.chars().count()) && !name.contains(char::is_control);
    if !name.as_ref().is_none_or(named) {
        return Err("--name must have 1 to 100 characters and no control characters".into());
    }
    let end = |end: End| end.at(now, app.config.billing.timezone).ok_or("--expires is too far away");
    let expires_at = expires.map(end).transpose()?;
    let role = match role {
        Role::Service => ApiKeyRole::Service,
        Role::Admin => ApiKeyRole::Admin,
    };
    let created =
        api_keys::create(app, NewKey { role, name, expires_at }, &Actor::command_line(), now).await?;
    // The key alone goes to standard output, so that it can be piped to where it is kept.
    super::say(&format!("{}\n", created.key.expose_secret()));
    super::complain(&format!(
        "gudok: this key is shown once; keep it where secrets are kept. To take it back: gudok api-key revoke {}",
        created.row.prefix
    ));
    Ok(())
}

async fn list(app: &App) -> Result<(), Box<dyn std::error::Error>> {
    let (now, zone) = (app.clock.now(), app.config.billing.timezone);
    let titles = ["id", "prefix", "role", "name", "created", "expires", "last used", "state"];
    let rows = api_keys::list(app.db.read()).await?.into_iter().map(|key| row(key, now, zone));
    let rows: Vec<_> = std::iter::once(titles.map(str::to_owned).to_vec()).chain(rows).collect();
    super::say(&table(&rows));
    Ok(())
}

fn row(key: api_key::Model, now: DateTime<Utc>, zone: Tz) -> Vec<String> {
    let shown = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string();
    let maybe = |at: Option<DateTime<Utc>>| at.map_or_else(|| "-".to_owned(), shown);
    vec![
        key.id.to_string(),
        key.prefix.clone(),
        api_keys::role(key.role).to_owned(),
        key.name.clone().unwrap_or_else(|| "-".to_owned()),
        shown(key.created_at),
        maybe(key.expires_at),
        maybe(key.last_used_at),
        Standing::of(&key, now).name().to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use chrono_tz::Asia::Seoul;

    use super::*;

    #[test]
    fn a_key_ends_after_days_or_with_a_day() {
        let now: DateTime<Utc> = "2026-01-30T03:00:00Z".parse().expect("an instant");
        let at = |text: &str| end(text).expect(text).at(now, Seoul).expect("in range").to_rfc3339();
        assert_eq!(at("90d"), "2026-04-30T03:00:00+00:00");
        assert_eq!(at("2026-01-31"), "2026-01-31T15:00:00+00:00");
        for wrong in ["", "d", "0d", "-1d", "90", "tomorrow", "2026-02-30", "70000d"] {
            assert!(end(wrong).is_err(), "{wrong}");
        }
    }
}

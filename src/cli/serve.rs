//! `gudok serve`: checks what a start needs, serves, and stops gracefully.

use std::process::ExitCode;

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, TossKeyKind};
use crate::db;
use secrecy::ExposeSecret;

/// Serves until it is told to stop.
///
/// # Errors
/// Whatever prevents a start, by name.
pub(super) async fn serve() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let config = Config::load()?;
    if config.toss.secret_key.is_none() || config.toss.client_key.is_none() {
        return Err("toss.secret_key and toss.client_key are needed: set GUDOK__TOSS__SECRET_KEY and \
                    GUDOK__TOSS__CLIENT_KEY"
            .into());
    }
    let live = config.toss_key_kind() == Some(TossKeyKind::Live);
    let public = config.server.public_url.as_ref();
    if live && public.is_none_or(|url| url.scheme() != "https") {
        return Err("server.public_url must be set, and https, where a live key is used: buyers come back from Toss to it".into());
    }
    if public.is_none() && config.server.bind.ip().is_unspecified() {
        tracing::warn!(
            "server.public_url is not set: links to the hosted checkout lead to {}",
            config.server.bind
        );
    }
    announce(&config);
    let app = App::build(config, Clock::system()).await?;
    if !db::migrate::is_current(&app.db).await? {
        return Err("the database's schema is outdated: run `gudok migrate` first".into());
    }
    super::stop_on_signals(&app, app.config.server.drain())?;
    crate::run::start(&app).await?.finished().await?;
    Ok(ExitCode::SUCCESS)
}

/// Says which Toss this process talks to, with which kind of key.
fn announce(config: &Config) {
    let kind = match config.toss_key_kind() {
        Some(TossKeyKind::Live) => "live: money moves",
        Some(TossKeyKind::Test) => "test: no money moves",
        Some(TossKeyKind::Unknown) => "of an unknown kind",
        None => "not set",
    };
    tracing::info!(toss = %config.toss.base_url, key = kind, "starting");
    if config.auth.admin_key.is_none()
        && config.auth.service_key.is_none()
        && config.auth.jwt_hs256_secret.is_none()
        && config.auth.jwks_url.is_none()
    {
        tracing::warn!(
            "no credential is configured: only keys made with `gudok api-key create` let anybody in"
        );
    }
    if config.auth.jwks_url.is_some() && config.auth.audience.is_none() {
        tracing::warn!(
            "auth.audience is not set: a token that auth.jwks_url's keys signed for another service is good here"
        );
    }
    let short = config.auth.jwt_hs256_secret.as_ref().is_some_and(|secret| secret.expose_secret().len() < 32);
    if short {
        tracing::warn!(
            "auth.jwt_hs256_secret has less than 32 bytes; HS256 asks for at least that (RFC 7518, 3.2)"
        );
    }
}

//! Answers a scrape: what this process has counted, how it stands with Toss, and what stands open in the books.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::PREFIX;
use super::books::Books;
use crate::app::App;

/// The format of the text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// How long the books may take; without them the rest is shown.
const BOOKS_WITHIN: Duration = Duration::from_secs(2);

/// The metrics of `app` as they stand.
///
/// # Errors
/// When they cannot be written as text, which a bug alone can cause.
pub async fn scrape(app: &App) -> Result<String, fmt::Error> {
    let read = tokio::time::timeout(BOOKS_WITHIN, Books::read(app.db.read(), app.clock.now())).await;
    let books = match read {
        Ok(Ok(books)) => Some(books),
        Ok(Err(error)) => {
            tracing::warn!(%error, "metrics without the books");
            None
        }
        Err(_late) => {
            tracing::warn!("metrics without the books, which take too long");
            None
        }
    };
    let mut moment = Registry::with_prefix(PREFIX);
    gauge(&mut moment, "database_up", "Whether the database answered this scrape", books.is_some().into());
    if let Some(books) = &books {
        books.register(&mut moment);
    }
    register_toss(&mut moment, app);
    let limit = i64::try_from(app.config.server.max_in_flight).unwrap_or(i64::MAX);
    gauge(&mut moment, "http_requests_in_flight_limit", "server.max_in_flight", limit);
    let mut text = String::new();
    encode_registry(&mut text, &app.metrics.registry)?;
    encode_registry(&mut text, &moment)?;
    encode_eof(&mut text)?;
    Ok(text)
}

fn register_toss(registry: &mut Registry, app: &App) {
    let standing = app.toss.standing();
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    gauge(registry, "toss_slots_used", "Purchases and refunds that wait on Toss", number(standing.in_flight));
    gauge(registry, "toss_slots", "toss.max_in_flight", number(app.toss.slots()));
    let help = "Whether Toss counts as down, so that new purchases are refused";
    gauge(registry, "toss_circuit_open", help, standing.open.into());
    gauge(registry, "toss_paused", "Whether Toss has asked for a pause", standing.paused.into());
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge: Gauge = Gauge::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

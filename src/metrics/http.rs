//! Counts requests by route, and never by path: strangers choose paths.

use std::sync::Arc;
use std::time::{Duration, Instant};

use poem::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds in seconds: reads take milliseconds, a confirmation as long as Toss or `server.answer_within_ms`.
const BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Requests to us; cheap to clone.
#[derive(Clone, Debug)]
pub struct Http {
    answered: Family<Answered, Counter>,
    duration: Family<Asked, Histogram>,
    in_flight: Gauge,
    overloaded: Counter,
    connections: Gauge,
    connections_refused: Counter,
    rate_limited: Family<Limited, Counter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Limited {
    class: &'static str,
    by: &'static str,
}

/// An open connection.
#[derive(Debug)]
pub struct Connected(Gauge);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: Arc<str>,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    route: Arc<str>,
    method: &'static str,
}

/// A request from its arrival to its answer; without one where a stop cuts it off.
#[derive(Debug)]
pub struct Underway<'a> {
    http: &'a Http,
    asked: Asked,
    began: Instant,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            answered: Family::default(),
            duration: Family::<_, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS)),
            in_flight: Gauge::default(),
            overloaded: Counter::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            rate_limited: Family::default(),
        }
    }
}

impl Http {
    /// A request for `route` has arrived.
    pub fn arrived(&self, route: Arc<str>, method: &Method) -> Underway<'_> {
        self.in_flight.inc();
        let asked = Asked { route, method: known(method) };
        Underway { http: self, asked, began: Instant::now() }
    }

    /// A request was refused because too many were under way.
    pub fn overloaded(&self) {
        self.overloaded.inc();
    }

    /// A connection was opened; it is counted as open until this is dropped.
    pub fn connected(&self) -> Connected {
        self.connections.inc();
        Connected(self.connections.clone())
    }

    /// A connection was closed at once because its address has too many.
    pub fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// A request of this class was refused because its credential or its address had too many: words of small sets.
    pub fn rate_limited(&self, class: &'static str, by: &'static str) {
        self.rate_limited.get_or_create(&Limited { class, by }).inc();
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_requests",
            "Requests answered, by route, method and status; route is `other` for paths that are none",
            self.answered.clone(),
        );
        let help = "How long requests took";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, self.duration.clone());
        let help = "Requests under way, those that the limit leaves out included";
        registry.register("http_requests_in_flight", help, self.in_flight.clone());
        let help = "Requests refused because server.max_in_flight were under way";
        registry.register("http_requests_overloaded", help, self.overloaded.clone());
        let help = "Requests refused because their credential or their address made too many of their class";
        registry.register("http_requests_rate_limited", help, self.rate_limited.clone());
        let help = "Connections that are open";
        registry.register("http_connections", help, self.connections.clone());
        let help = "Connections closed at once because their address had server.max_connections_per_address";
        registry.register("http_connections_refused", help, self.connections_refused.clone());
    }
}

impl Underway<'_> {
    /// It is answered with `status`. Returns how long that took.
    pub fn answered(self, status: u16) -> Duration {
        let took = self.began.elapsed();
        let Asked { route, method } = self.asked.clone();
        self.http.answered.get_or_create(&Answered { route, method, status }).inc();
        self.http.duration.get_or_create(&self.asked).observe(took.as_secs_f64());
        took
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.http.in_flight.dec();
    }
}

/// The methods that have a name of their own; strangers may invent others.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| method == known).unwrap_or("other")
}

//! Counts calls to Toss and how long they take.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::codes::Operation;

/// Upper bounds in seconds: Toss answers in tenths of one, and may take 60 where money moves.
const BUCKETS: [f64; 14] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 45.0, 65.0];

/// The calls of one client; cheap to clone.
#[derive(Clone, Debug)]
pub struct Calls {
    ended: Family<Ended, Counter>,
    duration: Family<Called, Histogram>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    operation: &'static str,
    class: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    operation: &'static str,
}

impl Calls {
    /// None yet.
    pub(super) fn new() -> Self {
        let duration = Family::<_, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        Self { ended: Family::default(), duration }
    }

    /// One call has ended; `class` is what [`super::Answer::class`] calls it.
    pub(super) fn ended(&self, operation: Operation, class: &'static str, took: Duration) {
        let operation = operation.name();
        self.ended.get_or_create(&Ended { operation, class }).inc();
        self.duration.get_or_create(&Called { operation }).observe(took.as_secs_f64());
    }

    /// Shows them in `registry`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "toss_calls",
            "Calls to Toss by operation and by what the answer says: payment or transactions (Toss shows them), declined, look_up \
             (the truth is elsewhere), not_found, misconfigured (our key), unknown (nothing is decided), not_sent",
            self.ended.clone(),
        );
        let help = "How long calls to Toss took";
        registry.register_with_unit("toss_call_duration", help, Unit::Seconds, self.duration.clone());
    }
}

impl Operation {
    /// One word for metrics.
    fn name(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Lookup => "look_up",
            Self::Cancel => "cancel",
            Self::Transactions => "transactions",
        }
    }
}

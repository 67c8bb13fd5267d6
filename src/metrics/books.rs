//! Reads from the books what stands open, in a few statements that indexes answer.

use chrono::{DateTime, Utc};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement};

use crate::findings::Kind;
use crate::jobs::{self, JobStanding};

/// What stands open in the books.
#[derive(Debug)]
pub(super) struct Books {
    open: Vec<Open>,
    jobs: Vec<JobStanding>,
    now: DateTime<Utc>,
}

/// How many of a kind are open, and since when the oldest is.
#[derive(Debug, FromQueryResult)]
struct Open {
    what: String,
    number: i64,
    oldest: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    kind: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfJob {
    name: &'static str,
}

/// Written so that partial indexes answer it on both databases: a row is open where it has a due time.
const OPEN: &str = "
    SELECT 'payments' AS what, COUNT(*) AS number, MIN(attempted_at) AS oldest FROM payment WHERE status = 'IN_PROGRESS'
    UNION ALL SELECT 'refunds', COUNT(*), MIN(created_at) FROM refund WHERE next_settle_at IS NOT NULL
    UNION ALL SELECT 'compensations', COUNT(*), MIN(created_at) FROM compensation WHERE next_settle_at IS NOT NULL
    UNION ALL SELECT 'failed compensations', COUNT(*), MIN(finished_at) FROM compensation WHERE status = 'FAILED'
    UNION ALL SELECT 'webhooks', COUNT(*), MIN(received_at) FROM webhook WHERE next_try_at IS NOT NULL
    UNION ALL SELECT kind, COUNT(*), MIN(first_seen_at) FROM finding WHERE resolved_at IS NULL GROUP BY kind";

/// Kinds of open rows, with their names and what they are in [`OPEN`].
const GAUGES: [(&str, &str, &str); 5] = [
    ("payments", "payments_unknown", "Payments IN_PROGRESS, whose outcome is not known"),
    ("refunds", "refunds_pending", "Refunds PENDING, whose outcome is not known"),
    ("compensations", "compensations_pending", "Approvals that cannot be honoured and are being cancelled"),
    (
        "failed compensations",
        "compensations_failed",
        "Approvals that cannot be honoured and Toss does not cancel",
    ),
    ("webhooks", "webhooks_pending", "Webhooks that nobody has looked into"),
];

impl Books {
    /// Reads them as of `now`.
    ///
    /// # Errors
    /// The database's own.
    pub(super) async fn read(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Self, DbErr> {
        let statement = Statement::from_string(db.get_database_backend(), OPEN);
        let open = Open::find_by_statement(statement).all(db).await?;
        let jobs = jobs::standings(db, now).await?;
        Ok(Self { open, jobs, now })
    }

    /// Shows them in `registry`.
    pub(super) fn register(&self, registry: &mut Registry) {
        for (what, name, help) in GAUGES {
            let found = self.open.iter().find(|open| open.what == what);
            let number: Gauge = Gauge::default();
            number.set(found.map_or(0, |open| open.number));
            registry.register(name, help, number);
            let age =
                found.and_then(|open| open.oldest).map_or(0, |oldest| (self.now - oldest).num_seconds());
            let seconds: Gauge = Gauge::default();
            seconds.set(age.max(0));
            let help = format!("Age of the oldest of {name}; 0 when there is none");
            registry.register_with_unit(format!("{name}_oldest_age"), help, Unit::Seconds, seconds);
        }
        self.register_findings(registry);
        self.register_jobs(registry);
    }

    fn register_findings(&self, registry: &mut Registry) {
        let findings = Family::<OfKind, Gauge>::default();
        for kind in Kind::ALL {
            drop(findings.get_or_create(&OfKind { kind: kind.name().to_owned() }));
        }
        let known = |open: &&Open| Kind::named(&open.what).is_some();
        for open in self.open.iter().filter(known) {
            findings.get_or_create(&OfKind { kind: open.what.clone() }).set(open.number);
        }
        registry.register("findings_open", "What a machine cannot decide, by kind", findings);
    }

    fn register_jobs(&self, registry: &mut Registry) {
        let (running, finished, succeeded) = (
            Family::<OfJob, Gauge>::default(),
            Family::<OfJob, Gauge>::default(),
            Family::<OfJob, Gauge>::default(),
        );
        for standing in &self.jobs {
            let job = OfJob { name: standing.job.name() };
            running.get_or_create(&job).set(standing.is_running.into());
            let ended = |run: &Option<entity::job_run::Model>| run.as_ref().and_then(|run| run.finished_at);
            if let Some(at) = ended(&standing.last_finished) {
                finished.get_or_create(&job).set(at.timestamp());
            }
            if let Some(at) = ended(&standing.last_done) {
                succeeded.get_or_create(&job).set(at.timestamp());
            }
        }
        registry.register("job_running", "Whether a process runs the job", running);
        let help = "When the last run ended, well or badly, since 1970";
        registry.register_with_unit("job_last_finished_timestamp", help, Unit::Seconds, finished);
        let help = "When the last run that did its work ended, since 1970";
        registry.register_with_unit("job_last_success_timestamp", help, Unit::Seconds, succeeded);
    }
}

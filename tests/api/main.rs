//! What gudok promises, said as scenarios over real HTTP against the Toss sandbox: each on SQLite, and on PostgreSQL
//! wherever its server can be started; what people look at, in a real browser wherever there is one.

// Clippy's own exception for tests knows only `#[test]` functions, which these scenarios are not.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

mod support;

mod admin;
mod audit;
mod auth;
mod browser;
mod check;
mod checkout;
mod contract;
mod crash;
mod dashboard;
mod edge;
mod event_amounts;
mod exports;
mod figures;
mod hostile;
mod idempotency;
mod jobs;
mod model;
mod payments;
mod plans;
mod process;
mod reconcile;
mod refunds;
mod replicas;
mod schemathesis;
mod secrets;
mod storage;
mod subscriptions;
mod temp_orders;
mod users;
mod webhooks;

use support::browser::driver::{self, Driver};
use support::postgres::{self, Cluster};
use support::scenario::{Backend, Scenario};

/// Turns "could not run on PostgreSQL" into a failure.
const REQUIRE_POSTGRES: &str = "GUDOK_TEST_REQUIRE_POSTGRES";
/// Turns "could not look through a browser" into a failure.
const REQUIRE_BROWSER: &str = "GUDOK_TEST_REQUIRE_BROWSER";
/// Turns "could not move a clock" into a failure.
const REQUIRE_FAKETIME: &str = "GUDOK_TEST_REQUIRE_FAKETIME";
/// Turns "could not put a pooler in front of PostgreSQL" into a failure.
const REQUIRE_PGBOUNCER: &str = "GUDOK_TEST_REQUIRE_PGBOUNCER";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    support::leaks::listen();
    let no_postgres = postgres::missing();
    let no_browser = driver::missing();
    let no_clock = replicas::clock::missing();
    let no_pooler = replicas::pooler::missing();
    let skipped = Skipped {
        postgres: no_postgres.is_some() && !is_set(REQUIRE_POSTGRES),
        browser: no_browser.is_some() && !is_set(REQUIRE_BROWSER),
        clock: no_clock.is_some() && !is_set(REQUIRE_FAKETIME),
        pooler: no_pooler.is_some() && !is_set(REQUIRE_PGBOUNCER),
        schemathesis: !schemathesis::is_wanted(),
    };
    let scenarios: Vec<Scenario> = [
        admin::scenarios(),
        audit::scenarios(),
        auth::scenarios(),
        browser::scenarios(),
        check::scenarios(),
        checkout::scenarios(),
        contract::scenarios(),
        crash::scenarios(),
        dashboard::scenarios(),
        edge::scenarios(),
        event_amounts::scenarios(),
        exports::scenarios(),
        figures::scenarios(),
        hostile::scenarios(),
        idempotency::scenarios(),
        jobs::scenarios(),
        model::scenarios(),
        payments::scenarios(),
        plans::scenarios(),
        process::scenarios(),
        reconcile::scenarios(),
        refunds::scenarios(),
        replicas::scenarios(),
        schemathesis::scenarios(),
        secrets::scenarios(),
        storage::scenarios(),
        subscriptions::scenarios(),
        temp_orders::scenarios(),
        users::scenarios(),
        webhooks::scenarios(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let trials = scenarios
        .iter()
        .flat_map(|scenario| Backend::ALL.map(|backend| trial(*scenario, backend, skipped)))
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    Driver::stop_shared();
    Cluster::stop_shared();
    let could_not = [
        ("run on PostgreSQL", no_postgres),
        ("look through a browser", no_browser),
        ("move a clock", no_clock),
        ("put a pooler in front of PostgreSQL", no_pooler),
    ];
    for (what, missing) in could_not {
        if let Some(reason) = missing.filter(|_| !arguments.list) {
            support::say(&format!("could not {what}: {reason}"));
        }
    }
    if conclusion.has_failed() { ExitCode::from(101) } else { ExitCode::SUCCESS }
}

/// What this machine cannot show, and need not.
#[derive(Clone, Copy)]
struct Skipped {
    postgres: bool,
    browser: bool,
    clock: bool,
    pooler: bool,
    schemathesis: bool,
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| value == "1")
}

fn trial(scenario: Scenario, backend: Backend, skipped: Skipped) -> Trial {
    let name = format!("{}::{}", scenario.name(), backend.name());
    let run = move || scenario.run(backend).map_err(Failed::from);
    let skip = (backend == Backend::Postgres && skipped.postgres)
        || (scenario.needs_browser() && skipped.browser)
        || (scenario.moves_a_clock() && skipped.clock)
        || (scenario.needs_pooler() && skipped.pooler)
        || (scenario.name().starts_with("schemathesis::") && skipped.schemathesis);
    Trial::test(name, run).with_ignored_flag(skip)
}

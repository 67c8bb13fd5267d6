//! What gudok promises, said as scenarios over real HTTP against the Toss sandbox: each on SQLite, and on PostgreSQL
//! wherever its server can be started.

// Clippy's own exception for tests knows only `#[test]` functions, which these scenarios are not.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

mod support;

mod admin;
mod check;
mod checkout;
mod contract;
mod crash;
mod event_amounts;
mod idempotency;
mod jobs;
mod model;
mod payments;
mod plans;
mod process;
mod reconcile;
mod refunds;
mod storage;
mod subscriptions;
mod temp_orders;
mod webhooks;

use support::postgres::{self, Cluster};
use support::scenario::{Backend, Scenario};

/// Turns "could not run on PostgreSQL" into a failure.
const REQUIRE_POSTGRES: &str = "GUDOK_TEST_REQUIRE_POSTGRES";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let missing = postgres::missing();
    let required = std::env::var_os(REQUIRE_POSTGRES).is_some_and(|value| value == "1");
    let scenarios: Vec<Scenario> = [
        admin::scenarios(),
        check::scenarios(),
        checkout::scenarios(),
        contract::scenarios(),
        crash::scenarios(),
        event_amounts::scenarios(),
        idempotency::scenarios(),
        jobs::scenarios(),
        model::scenarios(),
        payments::scenarios(),
        plans::scenarios(),
        process::scenarios(),
        reconcile::scenarios(),
        refunds::scenarios(),
        storage::scenarios(),
        subscriptions::scenarios(),
        temp_orders::scenarios(),
        webhooks::scenarios(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let trials = scenarios.iter().flat_map(|scenario| {
        Backend::ALL.map(|backend| trial(*scenario, backend, missing.is_some() && !required))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    Cluster::stop_shared();
    if let Some(reason) = missing.filter(|_| !arguments.list) {
        support::say(&format!("could not run on PostgreSQL: {reason}"));
    }
    if conclusion.has_failed() { ExitCode::from(101) } else { ExitCode::SUCCESS }
}

fn trial(scenario: Scenario, backend: Backend, skip: bool) -> Trial {
    let name = format!("{}::{}", scenario.name(), backend.name());
    let run = move || scenario.run(backend).map_err(Failed::from);
    Trial::test(name, run).with_ignored_flag(backend == Backend::Postgres && skip)
}

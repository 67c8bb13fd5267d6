//! Scenarios about many processes on one database: what they share, who works, and what happens when one of them goes.

pub(crate) mod clock;
mod failover;
mod jobs;
pub(crate) mod pooler;
mod rolling;

use std::collections::HashMap;

use crate::support::scenario::Scenario;
use crate::support::world::World;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [clock::scenarios(), failover::scenarios(), jobs::scenarios(), pooler::scenarios(), rolling::scenarios()]
        .into_iter()
        .flatten()
        .collect()
}

/// The world's settings for a process that also runs jobs, with these instead of its own.
fn settings(world: &World, changed: &[(&str, &str)]) -> HashMap<String, String> {
    let mut variables = world.variables.clone();
    variables.insert("GUDOK__SCHEDULER__ENABLED".to_owned(), "true".to_owned());
    variables.extend(changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    variables
}

//! What a person sees in a terminal.

use crate::support::crowd::{Hold, lapsed};
use crate::support::process::{Serving, eventually};
use crate::support::say;
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![a_job_that_is_run_by_hand_shows_how_far_it_has_come];

async fn a_job_that_is_run_by_hand_shows_how_far_it_has_come(world: &World) {
    // On SQLite nobody can hold one row alone.
    if world.backend == Backend::Sqlite {
        return;
    }
    lapsed(world).await;
    let hold = Hold::subscription(world, 2_500).await;
    let arguments = ["job", "run", "expire-subscriptions"];
    let Some(mut run) = Serving::in_a_terminal(&world.variables, &arguments) else {
        return say("no `script` is installed: the bar of `gudok job run` is NOT tested");
    };
    let drawn = async || run.said().contains("2,500/4,500 rows").then_some(());
    eventually("the bar stands where the job does", drawn).await;
    hold.release().await;
    assert_eq!(run.ended().await, Some(0), "{}", run.said());
    assert!(run.said().contains("\"affected\":4500"), "{}", run.said());
}

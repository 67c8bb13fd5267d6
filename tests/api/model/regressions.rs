//! Histories that once broke something, as short as they could be made.

use super::play::Stage;
use super::step::{Glitch, History, Job, Means, Part, Plan, Span, Step};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    an_empty_history_changes_nothing,
    an_approval_behind_an_account_of_the_same_order_counts,
    a_refund_older_than_its_key_is_sent_under_a_new_one,
    a_refund_of_a_deposit_that_the_bank_took_back_gives_nothing,
    an_account_behind_an_approval_of_the_same_order_is_closed,
];

/// Plays `history` in a world of its own.
async fn play(world: &World, history: History) {
    let mut stage = Stage::new(World::new(world.backend).await).await;
    if let Err(breach) = stage.play(&history).await {
        panic!("{breach}");
    }
    stage.close().await;
}

async fn an_empty_history_changes_nothing(world: &World) {
    play(world, History { day: 1, several_approvals: false, steps: vec![] }).await;
}

async fn an_approval_behind_an_account_of_the_same_order_counts(world: &World) {
    let lie = Some(Glitch::Denied);
    let steps = vec![
        Step::Buy { slot: 4, user: 2, plan: Plan::Premium, means: Means::Card, fault: lie },
        Step::Retry { slot: 2, means: Means::Account, fault: lie },
        Step::Refund { slot: 4, part: Part::Rest, fault: Some(Glitch::LostAfter) },
    ];
    play(world, History { day: 1, several_approvals: true, steps }).await;
}

async fn a_refund_older_than_its_key_is_sent_under_a_new_one(world: &World) {
    let steps = vec![
        Step::Buy { slot: 0, user: 0, plan: Plan::Basic, means: Means::Card, fault: None },
        Step::Refund { slot: 0, part: Part::Rest, fault: Some(Glitch::LostBefore) },
        Step::Pass(Span::Fortnight),
    ];
    play(world, History { day: 1, several_approvals: false, steps }).await;
}

async fn an_account_behind_an_approval_of_the_same_order_is_closed(world: &World) {
    let lie = Some(Glitch::Denied);
    let steps = vec![
        Step::Buy { slot: 3, user: 2, plan: Plan::Premium, means: Means::Card, fault: lie },
        Step::Retry { slot: 4, means: Means::Account, fault: lie },
    ];
    play(world, History { day: 1, several_approvals: true, steps }).await;
}

async fn a_refund_of_a_deposit_that_the_bank_took_back_gives_nothing(world: &World) {
    let steps = vec![
        Step::Buy { slot: 0, user: 0, plan: Plan::Basic, means: Means::Account, fault: None },
        Step::Deposit { slot: 0 },
        Step::Run(Job::ProcessWebhooks),
        Step::Reverse { slot: 0 },
        Step::Refund { slot: 0, part: Part::Rest, fault: None },
    ];
    play(world, History { day: 1, several_approvals: true, steps }).await;
}

//! Payments at the dashboard: found by any of their names, and told as a story.

mod detail;
mod list;
mod search;
mod settle;
mod story;
mod told;

pub(super) use detail::{Standing, detail, standing};
pub(super) use list::{list, plan_choices};
pub(super) use settle::{back, settle};

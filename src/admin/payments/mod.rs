//! Payments at the dashboard: found by any of their names, and told as a story.

mod detail;
mod list;
mod search;
mod settle;
mod story;
mod told;

pub(super) use detail::{Standing, page, standing};
pub(super) use list::{index, plan_choices};
pub(super) use settle::{ask, back};

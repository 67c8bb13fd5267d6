//! Scenarios about the figures behind the dashboard.

mod answered;
mod outcomes;
mod revenue;
mod subscriptions;

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Asia::Seoul;
use gudok::figures::{Days, Overview, overview};

use crate::support::scenario::Scenario;
use crate::support::world::World;

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [answered::scenarios(), outcomes::scenarios(), revenue::scenarios(), subscriptions::scenarios()]
        .into_iter()
        .flatten()
        .collect()
}

/// The day that clocks in Seoul show.
fn today(world: &World) -> NaiveDate {
    world.app.clock.now().with_timezone(&Seoul).date_naive()
}

/// The first instant of a day in Seoul.
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    Seoul.from_local_datetime(&day.and_time(NaiveTime::MIN)).unwrap().to_utc()
}

/// Moves time to ten minutes before the end of a day in Seoul; gives the day.
fn late_in_the_evening(world: &World) -> NaiveDate {
    let day = today(world) + Duration::days(1);
    world.advance_to(midnight(day + Duration::days(1)) - Duration::minutes(10));
    day
}

/// The figures of `first` to today.
async fn since(world: &World, first: NaiveDate) -> Overview {
    let days = Days::between(first, today(world), Seoul).expect("days");
    overview(&world.app, &days, world.app.clock.now()).await.expect("figures")
}

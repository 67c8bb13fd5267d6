//! What a line of periods means at an instant: active or not, which plan, since when, until when.

use chrono::{DateTime, Utc};
use entity::PlanId;
use entity::subscription::SubscriptionStatus;

use super::schedule::Slot;

/// A subscription at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether it runs or ran out.
    pub status: SubscriptionStatus,
    /// The plan that runs, or ran last.
    pub plan_id: PlanId,
    /// Start of the unbroken run of periods that ends at `end_date`.
    pub start_date: DateTime<Utc>,
    /// From this instant on it no longer runs.
    pub end_date: DateTime<Utc>,
    /// The next instant at which plan or status change by themselves; none when nothing will.
    pub changes_at: Option<DateTime<Utc>>,
}

impl State {
    /// Reads the state off `slots`, which are in the order of time; none when there are none.
    pub fn at(slots: &[Slot], now: DateTime<Utc>) -> Option<Self> {
        let last = slots.last()?;
        let run =
            slots.windows(2).rposition(|pair| pair[0].ends_at != pair[1].starts_at).map_or(0, |gap| gap + 1);
        let (start_date, end_date) = (slots[run].starts_at, last.ends_at);
        let ended = || Self {
            status: SubscriptionStatus::Expired,
            plan_id: last.plan_id,
            start_date,
            end_date,
            changes_at: None,
        };
        // Toss's clock may be ahead of ours by a little: the first period that has not ended is the one that runs.
        let Some(current) = slots.iter().position(|slot| now < slot.ends_at) else { return Some(ended()) };
        let plan_id = slots[current].plan_id;
        let same_plan = slots[current..].iter().take_while(|slot| slot.plan_id == plan_id);
        let changes_at = same_plan.last().map(|slot| slot.ends_at);
        Some(Self { status: SubscriptionStatus::Active, plan_id, start_date, end_date, changes_at })
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use entity::OrderId;

    use super::*;

    fn slot(plan_id: PlanId, from: i64, to: i64) -> Slot {
        let day = |days| DateTime::<Utc>::UNIX_EPOCH + Duration::days(days);
        let order_id = OrderId::generate(from);
        Slot { order_id, plan_id, starts_at: day(from), ends_at: day(to) }
    }

    #[test]
    fn the_last_second_is_inside_and_the_end_is_outside() {
        let plan = PlanId::new();
        let slots = [slot(plan, 0, 31)];
        let end = slots[0].ends_at;
        let status = |at| State::at(&slots, at).expect("a state").status;
        assert_eq!(status(end - Duration::microseconds(1)), SubscriptionStatus::Active);
        assert_eq!(status(end), SubscriptionStatus::Expired);
    }

    #[test]
    fn plan_and_next_change_follow_the_clock_and_the_start_is_that_of_the_unbroken_run() {
        let (dear, cheap) = (PlanId::new(), PlanId::new());
        let slots = [slot(cheap, 0, 10), slot(dear, 50, 60), slot(dear, 60, 70), slot(cheap, 70, 90)];
        let day = |days| DateTime::<Utc>::UNIX_EPOCH + Duration::days(days);
        let early = State::at(&slots, day(55)).expect("a state");
        assert_eq!((early.plan_id, early.changes_at), (dear, Some(day(70))));
        assert_eq!((early.start_date, early.end_date), (day(50), day(90)));
        let late = State::at(&slots, day(75)).expect("a state");
        assert_eq!((late.plan_id, late.changes_at), (cheap, Some(day(90))));
    }
}

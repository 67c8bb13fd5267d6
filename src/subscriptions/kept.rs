//! The copy of its live periods that a subscription's own row keeps, so that an entitlement check reads one row. The
//! table of periods is the truth; the copy counts only while `periods_as_of` says that it was written last with the row.

use chrono::{DateTime, SecondsFormat, Utc};
use entity::{OrderId, PlanId, subscription};

use super::schedule::Slot;

/// Periods that are copied at most, five years of months: what a row of ordinary size can hold.
const MOST_KEPT: usize = 60;

/// One period: order, plan, first instant inside and first after, RFC 3339 in UTC with microseconds, which `check` compares as
/// text.
type Entry<'a> = (&'a str, &'a str, String, String);
type Parsed<'a> = (&'a str, &'a str, DateTime<Utc>, DateTime<Utc>);

/// What the row keeps of `slots`, which are in the order of time; none when they are too many.
pub(super) fn written(slots: &[Slot]) -> Option<String> {
    if slots.len() > MOST_KEPT {
        return None;
    }
    let plans: Vec<String> = slots.iter().map(|slot| slot.plan_id.to_string()).collect();
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, false);
    let entries = slots.iter().zip(&plans).map(|(slot, plan)| -> Entry<'_> {
        (slot.order_id.as_str(), plan, time(slot.starts_at), time(slot.ends_at))
    });
    serde_json::to_string(&entries.collect::<Vec<_>>()).ok()
}

/// The periods that `row` keeps; none when it keeps none, or others have changed the row since.
pub(super) fn of(row: &subscription::Model) -> Option<Vec<Slot>> {
    let text = row.periods.as_deref().filter(|_| row.periods_as_of == Some(row.updated_at))?;
    let entries: Vec<Parsed<'_>> = serde_json::from_str(text).ok()?;
    let slots: Vec<Slot> = entries.into_iter().map(slot).collect::<Option<_>>()?;
    Some(slots).filter(|slots| slots.is_sorted_by_key(|slot| slot.starts_at))
}

fn slot((order_id, plan_id, starts_at, ends_at): Parsed<'_>) -> Option<Slot> {
    let (order_id, plan_id): (OrderId, PlanId) = (order_id.parse().ok()?, plan_id.parse().ok()?);
    Some(Slot { order_id, plan_id, starts_at, ends_at })
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use entity::SubscriptionId;
    use entity::subscription::SubscriptionStatus;

    use super::*;

    fn slots(count: i64) -> Vec<Slot> {
        let month = |number| DateTime::<Utc>::UNIX_EPOCH + Duration::days(30 * number);
        let slot = |number| Slot {
            order_id: OrderId::generate(number),
            plan_id: PlanId::new(),
            starts_at: month(number) + Duration::microseconds(number),
            ends_at: month(number + 1) + Duration::microseconds(number + 1),
        };
        (0..count).map(slot).collect()
    }

    fn row(periods: Option<String>, as_of: Option<i64>) -> subscription::Model {
        let at = |seconds| DateTime::<Utc>::UNIX_EPOCH + Duration::seconds(seconds);
        subscription::Model {
            id: SubscriptionId::new(),
            user_id: "u1".parse().expect("an id"),
            plan_id: PlanId::new(),
            status: SubscriptionStatus::Active,
            is_active: true,
            start_date: at(1),
            end_date: at(2),
            changes_at: Some(at(2)),
            created_at: at(1),
            updated_at: at(1),
            periods,
            periods_as_of: as_of.map(at),
        }
    }

    #[test]
    fn what_is_kept_is_read_back_to_the_microsecond() {
        for count in [0, 1, 12, 60] {
            let slots = slots(count);
            assert_eq!(of(&row(written(&slots), Some(1))), Some(slots));
        }
    }

    #[test]
    fn more_than_a_row_should_hold_is_not_kept() {
        assert_eq!(written(&slots(61)), None);
    }

    #[test]
    fn a_copy_counts_only_as_of_the_last_change_of_the_row() {
        let copy = written(&slots(2));
        assert_eq!(of(&row(copy.clone(), None)), None);
        assert_eq!(of(&row(copy, Some(0))), None);
        assert_eq!(of(&row(None, Some(1))), None);
        assert_eq!(of(&row(Some("[[".to_owned()), Some(1))), None);
        let mut backwards = slots(2);
        backwards.reverse();
        assert_eq!(of(&row(written(&backwards), Some(1))), None);
    }
}

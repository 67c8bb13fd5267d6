//! What buyers may expect of the line of time, by example and by property.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Asia::Seoul;
use entity::{OrderId, PeriodId, PlanId, Won};
use proptest::prelude::*;

use super::*;

/// Plans by price per month; a fixed set, so that "the same plan" means something.
fn plan(number: u8) -> PlanId {
    format!("00000000-0000-7000-8000-0000000000{number:02}").parse().expect("a plan id")
}

fn purchase(number: usize, plan_number: u8, won: i64, months: u32, at: DateTime<Utc>) -> Purchase {
    Purchase {
        id: format!("00000000-0000-7000-8000-{number:012}").parse::<PeriodId>().expect("an id"),
        order_id: format!("order-{number}").parse::<OrderId>().expect("an order id"),
        plan_id: plan(plan_number),
        amount: Won::new(won).expect("an amount"),
        months,
        at,
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn ends(slots: &[Slot]) -> Vec<String> {
    slots.iter().map(|slot| slot.ends_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)).collect()
}

#[test]
fn an_extension_starts_where_the_last_period_ends_and_remembers_the_day() {
    let january = at("2026-01-31T06:00:00Z");
    let slots = schedule(
        &[purchase(1, 1, 9_900, 1, january), purchase(2, 1, 9_900, 1, january + Duration::days(3))],
        Seoul,
    );
    let slots = slots.expect("laid out");
    assert_eq!(ends(&slots), ["2026-02-28T06:00:00Z", "2026-03-31T06:00:00Z"]);
    assert_eq!(slots[1].starts_at, slots[0].ends_at);
}

#[test]
fn a_purchase_after_the_end_starts_when_it_is_approved() {
    let slots = schedule(
        &[
            purchase(1, 1, 9_900, 1, at("2026-01-10T00:00:00Z")),
            purchase(2, 1, 9_900, 1, at("2026-05-05T00:00:00Z")),
        ],
        Seoul,
    );
    assert_eq!(slots.expect("laid out")[1].starts_at, at("2026-05-05T00:00:00Z"));
}

#[test]
fn a_dearer_plan_starts_now_and_the_rest_follows_to_the_second() {
    let slots = schedule(
        &[
            purchase(1, 1, 9_900, 1, at("2026-01-01T00:00:00Z")),
            purchase(2, 2, 19_900, 1, at("2026-01-11T00:00:00Z")),
        ],
        Seoul,
    );
    let slots = slots.expect("laid out");
    assert_eq!((slots[0].plan_id, slots[0].starts_at), (plan(2), at("2026-01-11T00:00:00Z")));
    assert_eq!(slots[1].starts_at, at("2026-02-11T00:00:00Z"));
    assert_eq!(slots[1].ends_at - slots[1].starts_at, Duration::days(21));
}

#[test]
fn a_cheaper_plan_queues_and_an_extension_of_the_dear_one_goes_before_it() {
    let start = at("2026-01-01T00:00:00Z");
    let dear = purchase(1, 2, 19_900, 1, start);
    let cheap = purchase(2, 1, 9_900, 1, start + Duration::days(1));
    let extension = purchase(3, 2, 19_900, 1, start + Duration::days(2));
    let slots = schedule(&[dear, cheap, extension], Seoul).expect("laid out");
    let plans: Vec<PlanId> = slots.iter().map(|slot| slot.plan_id).collect();
    assert_eq!(plans, [plan(2), plan(2), plan(1)]);
    assert_eq!(ends(&slots), ["2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"]);
}

#[test]
fn a_year_is_compared_by_its_price_per_month() {
    let start = at("2026-01-01T00:00:00Z");
    // 199,000 won a year is less per month than 19,900, so it queues.
    let slots = schedule(&[purchase(1, 2, 19_900, 1, start), purchase(2, 3, 199_000, 12, start)], Seoul);
    assert_eq!(slots.expect("laid out")[0].plan_id, plan(2));
}

#[test]
fn a_new_price_of_the_same_plan_is_no_other_plan() {
    let start = at("2026-01-01T00:00:00Z");
    let slots = schedule(
        &[purchase(1, 1, 9_900, 1, start), purchase(2, 1, 12_900, 1, start + Duration::days(5))],
        Seoul,
    );
    assert_eq!(slots.expect("laid out")[0].ends_at, at("2026-02-01T00:00:00Z"));
}

prop_compose! {
    fn any_purchases()(
        raw in prop::collection::vec((1_u8..4, 1_u32..13, 0_i64..40_000_000), 1..12)
    ) -> Vec<Purchase> {
        let origin = at("2026-01-31T06:00:00Z");
        raw.into_iter().enumerate().map(|(number, (plan_number, months, seconds))| {
            let monthly = i64::from(plan_number) * 10_000;
            let won = monthly * i64::from(months);
            purchase(number, plan_number, won, months, origin + Duration::seconds(seconds))
        }).collect()
    }
}

proptest! {
    #[test]
    fn the_order_in_which_purchases_become_known_does_not_matter(
        (purchases, shuffled) in any_purchases().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
    ) {
        prop_assert_eq!(schedule(&purchases, Seoul), schedule(&shuffled, Seoul));
    }

    #[test]
    fn periods_never_overlap_and_none_starts_before_it_is_paid(purchases in any_purchases()) {
        let slots = schedule(&purchases, Seoul).expect("laid out");
        prop_assert_eq!(slots.len(), purchases.len());
        for pair in slots.windows(2) {
            prop_assert!(pair[0].ends_at <= pair[1].starts_at);
        }
        for slot in &slots {
            let paid = purchases.iter().find(|purchase| purchase.order_id == slot.order_id).expect("known");
            prop_assert!(slot.starts_at >= paid.at && slot.ends_at > slot.starts_at);
        }
    }

    #[test]
    fn a_buyer_is_served_from_the_first_approval_without_a_gap(purchases in any_purchases()) {
        let slots = schedule(&purchases, Seoul).expect("laid out");
        for paid in &purchases {
            let last = slots.last().expect("not empty").ends_at;
            // Whoever has just paid is served at that instant: by this period or by an earlier one. What an
            // interruption used up is no longer on the line, but only before the interrupting purchase.
            let later_purchase = purchases.iter().any(|other| other.at > paid.at);
            let served = slots.iter().any(|slot| slot.starts_at <= paid.at && paid.at < slot.ends_at);
            prop_assert!(paid.at < last && (served || later_purchase));
        }
    }

    #[test]
    fn nobody_loses_paid_time(purchases in any_purchases()) {
        // Adding a purchase moves the end of everything by at least a month's shortest length.
        let mut sorted = purchases.clone();
        sorted.sort_by_key(|purchase| (purchase.at, purchase.id));
        let (newest, earlier) = sorted.split_last().expect("not empty");
        let before = schedule(earlier, Seoul).expect("laid out");
        let after = schedule(&sorted, Seoul).expect("laid out");
        let base = before.last().map_or(newest.at, |slot| slot.ends_at.max(newest.at));
        let gained = after.last().expect("not empty").ends_at - base;
        prop_assert!(gained >= Duration::days(28 * i64::from(newest.months)) - Duration::days(3 * 12), "{gained}");
    }

    #[test]
    fn refunding_the_newest_gives_what_never_buying_it_would_have_given(purchases in any_purchases()) {
        // As the books do it: everything that is left is laid out again from the purchases alone.
        let mut sorted = purchases;
        sorted.sort_by_key(|purchase| (purchase.at, purchase.id));
        for refunded in 0..sorted.len() {
            let mut line = Vec::new();
            for (number, paid) in sorted.iter().enumerate() {
                if number != refunded {
                    buy(&mut line, paid, Seoul).expect("laid out");
                }
            }
            let mut left = sorted.clone();
            left.remove(refunded);
            let again = schedule(&left, Seoul).expect("laid out");
            let never: Vec<_> = line.iter().map(|item| (item.purchase.order_id.clone(), item.starts_at, item.ends_at)).collect();
            let revoked: Vec<_> = again.iter().map(|slot| (slot.order_id.clone(), slot.starts_at, slot.ends_at)).collect();
            prop_assert_eq!(never, revoked);
        }
    }
}

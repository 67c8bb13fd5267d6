//! Lays out what one user has paid for on the line of time. A pure function of the purchases: taking one out gives
//! what never buying it would have given, and the order in which they became known does not matter.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use entity::{OrderId, PeriodId, PlanId, Won};

use super::calendar::add_months;

/// One paid order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// Orders purchases of the same instant by when they were recorded.
    pub id: PeriodId,
    /// The order.
    pub order_id: OrderId,
    /// The plan it gives.
    pub plan_id: PlanId,
    /// What was paid for all of it, in won.
    pub amount: Won,
    /// Calendar months bought, at least 1.
    pub months: u32,
    /// When Toss approved it.
    pub at: DateTime<Utc>,
}

/// Where a purchase lies: `[starts_at, ends_at)`. For one that a dearer plan interrupted, what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The order, which identifies the purchase.
    pub order_id: OrderId,
    /// The plan it gives.
    pub plan_id: PlanId,
    /// First instant inside.
    pub starts_at: DateTime<Utc>,
    /// First instant after.
    pub ends_at: DateTime<Utc>,
}

/// Lays out all purchases of one user, in the order of time.
///
/// The rule for a purchase while others run or wait: it comes behind the last one of the same plan or of a plan at
/// least as dear by price per month, and before cheaper ones. So the same plan extends itself, a cheaper one queues at
/// the end, and a dearer one starts at once; what is left of the interrupted period follows, and nobody who extends a
/// dear plan falls back to a cheap one in between.
///
/// # Errors
/// [`BeyondCalendar`] when an end would lie after the year 262000.
pub fn schedule(purchases: &[Purchase], zone: Tz) -> Result<Vec<Slot>, BeyondCalendar> {
    let mut purchases: Vec<&Purchase> = purchases.iter().collect();
    purchases.sort_by_key(|purchase| (purchase.at, purchase.id));
    let mut line = Vec::with_capacity(purchases.len());
    for purchase in purchases {
        buy(&mut line, purchase, zone)?;
    }
    let slot = |item: Item<'_>| Slot {
        order_id: item.purchase.order_id.clone(),
        plan_id: item.purchase.plan_id,
        starts_at: item.starts_at,
        ends_at: item.ends_at,
    };
    Ok(line.into_iter().map(slot).collect())
}

/// An end of a period lies beyond what a calendar can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a period would end beyond the calendar")]
pub struct BeyondCalendar;

/// A purchase on the line of time.
#[derive(Clone, Debug)]
struct Item<'a> {
    purchase: &'a Purchase,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    extent: Extent,
    /// Where its months are counted from; none for a rest, which has no months.
    chain: Option<Chain>,
}

/// How much time an item takes, wherever it lies.
#[derive(Clone, Copy, Debug)]
enum Extent {
    /// Whole calendar months.
    Months(u32),
    /// What an interruption left, to the microsecond.
    Rest(Duration),
}

/// Unbroken calendar periods count their months from one origin, which is how its day is remembered.
#[derive(Clone, Copy, Debug)]
struct Chain {
    origin: DateTime<Utc>,
    months: u32,
}

fn buy<'a>(line: &mut Vec<Item<'a>>, purchase: &'a Purchase, zone: Tz) -> Result<(), BeyondCalendar> {
    let now = purchase.at;
    let running = line.partition_point(|item| item.ends_at <= now);
    let goes_before =
        |item: &Item<'_>| item.purchase.plan_id == purchase.plan_id || !dearer(purchase, item.purchase);
    let place = match line[running..].iter().rposition(goes_before) {
        Some(last) => running + last + 1,
        None => running,
    };
    let interrupted = line.get_mut(running).filter(|item| place == running && item.starts_at < now);
    if let Some(item) = interrupted {
        item.extent = Extent::Rest(item.ends_at - now);
    }
    let starts_at = if place == running { now } else { line[place - 1].ends_at };
    let extent = Extent::Months(purchase.months);
    line.insert(place, Item { purchase, starts_at, ends_at: starts_at, extent, chain: None });
    lay_out(line, place, zone)
}

/// Places the items from `first` on one behind the other.
fn lay_out(line: &mut [Item<'_>], first: usize, zone: Tz) -> Result<(), BeyondCalendar> {
    let mut cursor = line[first].starts_at;
    let mut chain = match first.checked_sub(1).map(|before| &line[before]) {
        Some(before) if before.ends_at == cursor => before.chain,
        _ => None,
    };
    for item in &mut line[first..] {
        item.starts_at = cursor;
        (item.ends_at, item.chain) = match item.extent {
            Extent::Rest(rest) => (cursor.checked_add_signed(rest).ok_or(BeyondCalendar)?, None),
            Extent::Months(months) => {
                let before = chain.unwrap_or(Chain { origin: cursor, months: 0 });
                let months = before.months.checked_add(months).ok_or(BeyondCalendar)?;
                let end = add_months(before.origin, months, zone).ok_or(BeyondCalendar)?;
                (end, Some(Chain { months, ..before }))
            }
        };
        (cursor, chain) = (item.ends_at, item.chain);
    }
    Ok(())
}

/// Whether `one` costs more per month than `other`, without dividing.
fn dearer(one: &Purchase, other: &Purchase) -> bool {
    i128::from(one.amount.get()) * i128::from(other.months)
        > i128::from(other.amount.get()) * i128::from(one.months)
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;

//! What one user has paid for, laid out on the line of time: the rules of subscriptions, written a second time.

use chrono::{DateTime, Duration, FixedOffset, Months, TimeZone, Utc};

use super::step::Plan;

/// One order that bought a month.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bought {
    /// The order's number in the history.
    pub(crate) order: usize,
    pub(crate) plan: Plan,
    /// When the money came in.
    pub(crate) at: DateTime<Utc>,
}

/// Where the time of an order lies: `[from, to)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) order: usize,
    pub(crate) plan: Plan,
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
}

/// How a line stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) active: bool,
    pub(crate) plan: Plan,
    pub(crate) start: DateTime<Utc>,
    pub(crate) end: DateTime<Utc>,
}

/// An order on the line, before the line is measured.
struct Item {
    bought: Bought,
    /// Set where it begins by itself and not at the end of the one before it.
    begins: Option<DateTime<Utc>>,
    /// What an interruption left of it; none for the whole month.
    rest: Option<Duration>,
}

/// Lays out what was bought, which is in the order of `at`, and of the books where that is the same.
pub(crate) fn lay_out(bought: &[Bought]) -> Vec<Piece> {
    let mut items: Vec<Item> = Vec::new();
    for &bought in bought {
        let measured = measure(&items);
        let over = measured.iter().filter(|piece| piece.to <= bought.at).count();
        // It waits behind everything of its own plan, and behind all that is not cheaper.
        let behind = items.iter().rposition(|item| item.bought.plan.price() >= bought.plan.price());
        match behind.filter(|behind| *behind >= over) {
            Some(behind) => items.insert(behind + 1, Item { bought, begins: None, rest: None }),
            None => {
                if let Some(running) = items.get_mut(over) {
                    running.begins = None;
                    let piece = measured[over];
                    if piece.from < bought.at {
                        running.rest = Some(piece.to - bought.at);
                    }
                }
                items.insert(over, Item { bought, begins: Some(bought.at), rest: None });
            }
        }
    }
    measure(&items)
}

/// How `line` stands at `now`; none when it is empty.
pub(crate) fn standing(line: &[Piece], now: DateTime<Utc>) -> Option<Standing> {
    let last = line.last()?;
    let mut start = last.from;
    for piece in line.iter().rev() {
        if piece.to >= start {
            start = piece.from;
        } else {
            break;
        }
    }
    let current = line.iter().find(|piece| now < piece.to);
    let plan = current.unwrap_or(last).plan;
    Some(Standing { active: current.is_some(), plan, start, end: last.to })
}

/// Walks along the line. Months that follow each other without a gap are counted from where the first of them began,
/// in Korean time: that is how the 31st comes back after February.
fn measure(items: &[Item]) -> Vec<Piece> {
    let mut line: Vec<Piece> = Vec::with_capacity(items.len());
    let mut months: Option<(DateTime<Utc>, u32)> = None;
    for item in items {
        let before = line.last().map(|piece| piece.to);
        let from = item.begins.or(before).expect("the first begins by itself");
        if before != Some(from) {
            months = None;
        }
        let to = match item.rest {
            Some(rest) => {
                months = None;
                from + rest
            }
            None => {
                let (origin, count) = months.unwrap_or((from, 0));
                months = Some((origin, count + 1));
                months_after(origin, count + 1)
            }
        };
        line.push(Piece { order: item.bought.order, plan: item.bought.plan, from, to });
    }
    line
}

fn months_after(origin: DateTime<Utc>, count: u32) -> DateTime<Utc> {
    let korea = FixedOffset::east_opt(9 * 3_600).expect("a zone");
    let shown = origin.with_timezone(&korea).naive_local() + Months::new(count);
    korea.from_local_datetime(&shown).single().expect("Korea skips no hour").with_timezone(&Utc)
}
